"""Does the provider take the stored credentials? (contract, 10)."""

from datetime import datetime

import structlog
from litestar import Controller, Response, post
from litestar.params import FromPath
from msgspec import Struct
from msgspec.json import encode

from app.command_handler import PreparedCommand, utc_now
from app.http.authorization import require_permission
from app.http.command_requests import asked, required_id
from app.http.dependencies import Parts, parts_of
from app.http.idempotency import execute_once
from app.http.responses import Rendered
from app.http.timestamps import Time, timestamp
from app.http.types import ApiRequest
from app.providers.check import Checked
from app.providers.verdict import Verdict
from app.secrets.errors import SecretsError
from app.secrets.secret import Secret
from app.tokens.principal import EDIT
from domain.errors import NotFoundError
from domain.integration import Integration, Outcome, RecordCheck

UNOPENABLE = Verdict(
    "inconclusive", "The stored credentials cannot be opened; the reason is in the operator's log"
)
log = structlog.get_logger(source="check")


class CheckObject(Struct, rename="camel"):
    """What the provider said of the credentials, in our words, and how long it took."""

    outcome: Outcome
    detail: str
    checked_at: Time
    latency_ms: int


class CheckResult(Struct):
    """What a check found."""

    data: CheckObject
    message: str
    status: int


class CheckAnswer(Struct):
    """The answer with what a check found."""

    result: CheckResult


class CheckController(Controller):
    """Checks of stored credentials.

    They need the permission to edit: a check uses the stored key at a third party, in the
    workspace's name, and is recorded; who may only look must not make that happen.
    """

    path = "/{locale:str}/api/integration"
    before_request = require_permission
    tags = ("Integration",)
    security = ({"bearer": []},)

    @post(
        "/{integration_id:str}/check",
        opt={"permission": EDIT},
        status_code=200,
        operation_id="checkCredentials",
    )
    async def check_credentials(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[CheckAnswer]:
        """Ask the provider whether the stored credentials work; nothing is sent to anybody."""
        check = StoredCheck(parts_of(request.app), request.user.workspace, integration_id)
        command = asked(request, required_id(integration_id), check.prepare)
        return await execute_once(request, command, lambda _: check.rendered(request))


class StoredCheck:
    """One check of the credentials that are stored for an integration."""

    def __init__(self, parts: Parts, workspace: str, integration: str) -> None:
        self._parts = parts
        self._workspace = workspace
        self._integration = integration
        self._found: Checked
        self._at: datetime
        self._of: object = None  # the credentials that `_found` is about

    async def prepare(self, state: Integration) -> PreparedCommand:
        """Return the command that records what the check of *state* finds.

        It may be called again where others were quicker to record; then the provider is asked
        again only if they have changed the credentials.

        Raises:
            NotFoundError: there is no such integration.
            UnavailableError: too many checks are under way, or the database is away.
        """
        if not state.exists:
            raise NotFoundError
        credentials = (state.credentials, state.vapid_public_key)
        if self._of != credentials:
            self._found = await self._check(state)
            self._at, self._of = utc_now(), credentials
        verdict = self._found.verdict
        return PreparedCommand(
            RecordCheck(
                outcome=verdict.outcome,
                detail=self._parts.catalogues.english.text(verdict.message, **verdict.limits),
                latency_ms=self._found.latency_ms,
            )
        )

    async def _check(self, state: Integration) -> Checked:
        secrets = self._parts.secrets
        try:
            opened = await secrets.opened(self._workspace, self._integration, state.credentials)
        except SecretsError as error:
            log.error("stored credentials cannot be opened", reason=str(error))  # noqa: TRY400 — it names the row, and no content
            return Checked(UNOPENABLE, 0)
        values: dict[str, Secret] = {**opened}
        if state.vapid_public_key:
            values["vapidPublicKey"] = Secret(state.vapid_public_key.encode())
        return await self._parts.checker.check(state.type, values)

    def rendered(self, request: ApiRequest) -> Rendered:
        """Return the answer, in the language of *request*."""
        verdict, language = self._found.verdict, request.auth
        found = CheckObject(
            outcome=verdict.outcome,
            detail=language.text(verdict.message, **verdict.limits),
            checked_at=timestamp(self._at),
            latency_ms=self._found.latency_ms,
        )
        result = CheckResult(data=found, message=language.text("Check completed"), status=200)
        return Rendered(200, encode(CheckAnswer(result)), {"Content-Language": language.tag})
