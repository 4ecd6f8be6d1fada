"""Who a token speaks for (docs/api.md, Tokens)."""

from datetime import UTC, datetime

from litestar import Controller, Response, get
from msgspec import Struct
from msgspec.json import encode

from app.http.authorization import authorize
from app.http.responses import RenderedResponse, to_response
from app.http.timestamps import Time, format_timestamp
from app.http.types import Actor, ApiRequest


class WhoamiObject(Struct, rename="camel"):
    """The caller by its token: who, in which workspace, what is allowed, and until when."""

    actor: Actor
    workspace_id: str
    permissions: list[str]
    expires_at: Time


class WhoamiResult(Struct):
    """Who a token speaks for."""

    data: WhoamiObject
    message: str
    status: int


class WhoamiResponse(Struct):
    """The response with who a token speaks for."""

    result: WhoamiResult


class WhoamiController(Controller):
    """Who asks."""

    path = "/{locale:str}/api/whoami"
    before_request = authorize
    tags = ("Tokens",)
    security = ({"bearer": []},)

    @get("/", opt={"permission": None}, operation_id="whoami")
    async def whoami(self, request: ApiRequest) -> Response[WhoamiResponse]:
        """Show who the token speaks for, what it allows, and until when."""
        caller = request.user
        data = WhoamiObject(
            actor=Actor(caller.actor.sub, caller.actor.name, caller.actor.email),
            workspace_id=caller.workspace,
            permissions=sorted(caller.permissions),
            expires_at=format_timestamp(datetime.fromtimestamp(caller.expires_at, UTC)),
        )
        message = request.auth.text("Caller fetched successfully")
        response = WhoamiResponse(WhoamiResult(data, message, 200))
        headers = {"Content-Language": request.auth.tag}
        return to_response(RenderedResponse(200, encode(response), headers))
