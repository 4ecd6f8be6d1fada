"""Links to the console, for a platform that sends its users there (docs/operations.md)."""

from datetime import UTC, datetime, timedelta

from litestar import Controller, Response, post
from msgspec import Struct
from msgspec.json import encode

from app.command_handler import utc_now
from app.http.authorization import authorize
from app.http.dependencies import get_dependencies
from app.http.errors import InvalidFieldsError
from app.http.field_rules import FieldProblem
from app.http.responses import RenderedResponse, to_response
from app.http.timestamps import Time, format_timestamp
from app.http.types import ApiRequest
from app.loopback import is_safe_url
from app.sign_in.sign_in_codes import sign_in_link
from app.tokens.jwt import bearer_token
from domain.errors import IntegrationNotFoundError

LIFETIME = timedelta(seconds=60)
NO_ORIGIN = FieldProblem(
    "INVALID_HEADER", "The console has no address: INTEGRATIONS_CONSOLE_ORIGIN is not set"
)


class ConsoleLinkObject(Struct, rename="camel"):
    """Where to send the user, until when; the code behind `#` counts once."""

    url: str
    expires_at: Time


class ConsoleLinkResult(Struct):
    """A link to the console."""

    data: ConsoleLinkObject
    message: str
    status: int


class ConsoleLinkResponse(Struct):
    """The response with a link to the console."""

    result: ConsoleLinkResult


class ConsoleLinkController(Controller):
    """How people get to the console."""

    path = "/{locale:str}/api/console-link"
    before_request = authorize
    tags = ("Console",)
    security = ({"bearer": []},)

    @post("/", opt={"permission": None}, status_code=201, operation_id="createConsoleLink")
    async def create_console_link(self, request: ApiRequest) -> Response[ConsoleLinkResponse]:
        """Make a link that signs its user in to the console, once, within 60 seconds."""
        dependencies = get_dependencies(request.app)
        if dependencies.sign_in_codes is None:
            raise IntegrationNotFoundError
        origin = dependencies.console_origin or loopback_origin(request)
        now = utc_now()
        ends = min(now + LIFETIME, datetime.fromtimestamp(request.user.expires_at, UTC))
        token = bearer_token(request.headers.get("authorization"))
        code = await dependencies.sign_in_codes.issue(token, ends - now)
        dependencies.security_log.issued(request.scope)
        return to_response(render_link(request, sign_in_link(origin, code), ends))


def loopback_origin(request: ApiRequest) -> str:
    """Return the origin that *request* was sent to, on this machine.

    Elsewhere a link by http would let the network read the page, and the code: raise
    InvalidFieldsError.
    """
    origin = f"http://{request.headers.get('host', '')}"
    if not is_safe_url(origin):
        raise InvalidFieldsError([("Host", NO_ORIGIN)])
    return origin


def render_link(request: ApiRequest, url: str, ends: datetime) -> RenderedResponse:
    """Return the response with the link *url*, which no cache keeps: it has no entity tag."""
    data = ConsoleLinkObject(url, format_timestamp(ends))
    message = request.auth.text("Link created successfully")
    body = encode(ConsoleLinkResponse(ConsoleLinkResult(data, message, 201)))
    return RenderedResponse(201, body, {"Content-Language": request.auth.tag})
