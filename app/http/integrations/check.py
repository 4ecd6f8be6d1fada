"""Checks stored credentials with the provider (docs/providers.md#checks)."""

import time
from datetime import datetime

import structlog
from litestar import Controller, Response, post
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

from app.command_handler import PreparedCommand, utc_now
from app.http.authorization import authorize
from app.http.command_requests import build_command_request, require_integration_id
from app.http.dependencies import Dependencies, get_dependencies
from app.http.field_rules import FieldProblem
from app.http.integrations.recorded_headers import execute_command
from app.http.responses import RenderedResponse
from app.http.timestamps import Time, format_timestamp
from app.http.types import ApiRequest
from app.providers.check import CheckResult
from app.providers.verdict import Verdict
from app.secrets.errors import SecretsError
from app.secrets.secret import Secret
from app.tokens.principal import EDIT
from domain.errors import IntegrationNotFoundError
from domain.integration import (
    SECRET_FIELDS,
    ChangeIntegration,
    Integration,
    Outcome,
    RecordCredentialsCheck,
)

UNSEALABLE = Verdict(
    "inconclusive", "The stored credentials cannot be opened; the reason is in the operator's log"
)
NOT_STORED = FieldProblem("UNKNOWN_FIELD", "The check is of what is stored; store this first")
DRAFT_FIELDS = dict.fromkeys((*SECRET_FIELDS, "vapidPublicKey", "settings"), NOT_STORED)
log = structlog.get_logger(source="check")


class CredentialCheckObject(Struct, rename="camel"):
    """The provider's verdict on the credentials and how long the check took.

    `region` is the one that knows the credentials, absent if that is not known or the
    provider has no regions.
    """

    outcome: Outcome
    detail: str
    checked_at: Time
    latency_ms: int
    region: str | UnsetType = UNSET


class CredentialCheckResult(Struct):
    """The outcome of a check."""

    data: CredentialCheckObject
    message: str
    status: int


class CredentialCheckResponse(Struct):
    """The response with the outcome of a check."""

    result: CredentialCheckResult


class CredentialCheckController(Controller):
    """Checks of stored credentials.

    They need the permission to edit: a check uses the stored key at a third party, in the
    workspace's name, and is recorded, which a viewer must not cause.
    """

    path = "/{locale:str}/api/integration"
    before_request = authorize
    tags = ("Integration",)
    security = ({"bearer": []},)

    @post(
        "/{integration_id:str}/check",
        opt={"permission": EDIT, "other_endpoint_fields": DRAFT_FIELDS},
        status_code=200,
        operation_id="checkCredentials",
    )
    async def check_credentials(
        self, request: ApiRequest, integration_id: FromPath[str]
    ) -> Response[CredentialCheckResponse]:
        """Check with the provider whether the stored credentials work; no message is sent."""
        check = CredentialCheck(
            get_dependencies(request.app), request.user.workspace, integration_id
        )
        command = build_command_request(
            request, require_integration_id(integration_id), check.prepare
        )
        return await execute_command(request, command, lambda _: check.render(request))


class CredentialCheck:
    """One check of the credentials that are stored for an integration."""

    def __init__(self, dependencies: Dependencies, workspace: str, integration: str) -> None:
        self._dependencies = dependencies
        self._workspace = workspace
        self._integration = integration
        self._result: CheckResult
        self._at: datetime
        self._checked_credentials: object = None  # the credentials that `_result` is about
        self._is_own = True  # False: another request runs the same check, and records it

    async def prepare(self, state: Integration) -> PreparedCommand:
        """Return the command that records the check of *state*.

        It is called again after a concurrent write; then the provider is called again only if the
        credentials have changed.

        Raises:
            IntegrationNotFoundError: there is no such integration.
            RateLimitExceededError: the workspace has too many checks.
            UnavailableError: too many checks are running, or the database is down.
        """
        if not state.exists:
            raise IntegrationNotFoundError
        settings = tuple((state.settings or {}).items())
        credentials = (state.credentials, state.vapid_public_key, settings)
        if self._checked_credentials != credentials:
            (self._result, self._at), self._is_own = await self._dependencies.shared_checks.run(
                self._workspace, (self._integration, credentials), lambda: self._check(state)
            )
            self._checked_credentials = credentials
        if not self._is_own:
            return PreparedCommand(ChangeIntegration())  # of nothing: no event
        verdict = self._result.verdict
        return PreparedCommand(
            RecordCredentialsCheck(
                outcome=verdict.outcome,
                detail=verdict.text(self._dependencies.catalogues.english),
                latency_ms=self._result.latency_ms,
                region=verdict.region,
            )
        )

    async def _check(self, state: Integration) -> tuple[CheckResult, datetime]:
        """Return what a check of *state* finds, and when."""
        return await self._check_credentials(state), utc_now()

    async def _check_credentials(self, state: Integration) -> CheckResult:
        secrets, started = self._dependencies.secrets, time.monotonic()
        try:
            opened = await secrets.unseal(self._workspace, self._integration, state.credentials)
        except SecretsError as error:
            log.error("stored credentials cannot be opened", reason=str(error))  # noqa: TRY400 — the error names the row, no content
            return CheckResult(UNSEALABLE, 0)
        values: dict[str, Secret] = {**opened}
        if state.vapid_public_key:
            values["vapidPublicKey"] = Secret(state.vapid_public_key.encode())
        for name, value in (state.settings or {}).items():
            values.setdefault(name, Secret(value.encode()))
        return await self._dependencies.checker.check(
            state.type, values, time.monotonic() - started
        )

    def render(self, request: ApiRequest) -> RenderedResponse:
        """Return the response, in the language of *request*."""
        verdict, language = self._result.verdict, request.auth
        check = CredentialCheckObject(
            outcome=verdict.outcome,
            detail=verdict.text(language),
            checked_at=format_timestamp(self._at),
            latency_ms=self._result.latency_ms,
            region=UNSET if verdict.region is None else verdict.region,
        )
        result = CredentialCheckResult(
            data=check, message=language.text("Check completed"), status=200
        )
        return RenderedResponse(
            200, encode(CredentialCheckResponse(result)), {"Content-Language": language.tag}
        )
