"""A port of their own for health and metrics (INTEGRATIONS_ADMIN_PORT)."""

from app.http.error_responses import render_error
from app.http.middleware import ASGI
from app.http.responses import to_response
from app.locales.catalogues import Catalogues
from domain.errors import IntegrationNotFoundError

PATHS = (["health", "live"], ["health", "ready"], ["metrics"])


class AdminPort:
    """Calls *app* for health and metrics on *port*, and for all else on any other port.

    The other way round there is nothing there. Each worker listens on both, and one answers for
    all, as it does on one port: what it shows is the database's or summed over the workers.
    """

    def __init__(self, app: ASGI, port: int, catalogues: Catalogues) -> None:
        self.app = app
        self.port = port
        self.catalogues = catalogues

    async def __call__(self, scope: ASGI, receive: ASGI, send: ASGI) -> None:
        """Handle one HTTP request; other scopes pass through."""
        if scope["type"] != "http" or is_for_operators(scope) == (scope["server"][1] == self.port):
            await self.app(scope, receive, send)
            return
        rendered = render_error(self.catalogues, scope, IntegrationNotFoundError())
        await to_response(rendered).send(scope, receive, send)


def is_for_operators(scope: ASGI) -> bool:
    """Return whether the path is that of health or metrics, as Litestar's router reads it."""
    return [part for part in scope["path"].split("/") if part] in PATHS
