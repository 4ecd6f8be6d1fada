"""What is doubtful about a change, found once it is known which provider it is for."""

from msgspec import Struct

from app.command_handler import CommandFactory, PreparedCommand
from app.http.dependencies import parts_of
from app.http.integrations.warnings import warnings_about
from app.http.preferences import require_undoubted
from app.http.request_bodies import Found
from app.http.responses import ApiRequest
from domain.integration import Integration


class Doubted:
    """A change by `body`, which `ask` makes a command of; `found` is what is doubtful about it."""

    def __init__(self, request: ApiRequest, body: Struct, ask: CommandFactory) -> None:
        self.found: list[Found] = []
        self._request = request
        self._body = body
        self._ask = ask

    async def prepare(self, state: Integration) -> PreparedCommand:
        """Return the command; a provider that is not known any more finds nothing doubtful.

        Raises:
            DoubtfulFieldsError: something is doubtful, and strict handling is preferred.
        """
        provider = parts_of(self._request.app).providers.get(state.type)
        self.found = [*warnings_about(self._body, provider)] if provider else []
        require_undoubted(self._request, self.found)
        return await self._ask(state)
