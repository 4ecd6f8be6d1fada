"""Who asks, in which language, and whether they may: one guard for every route of the API."""

from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from app.http.parts import parts_of
from app.http.problems import ForbiddenError
from app.tokens.principal import Principal
from domain.errors import NotFoundError

Connection = ASGIConnection[BaseRouteHandler, Principal, object, State]


async def require_permission(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let the request through to a handler whose `permission` its token bears.

    OPTIONS needs no token: it tells no more than /docs does.
    Leaves the Principal as `request.user` and the Language as `request.auth`.

    Raises:
        NotFoundError: the path's locale is malformed, so there is no such path.
        UnauthorizedError: there is no valid token.
        ForbiddenError: the token lacks the permission.
    """
    parts = parts_of(connection.app)
    language = parts.catalogues.negotiate(connection.path_params["locale"])
    if language is None:
        raise NotFoundError
    if connection.scope.get("method") == "OPTIONS":
        return
    principal = await parts.verifier.authenticate(connection.headers.get("authorization"))
    if handler.opt["permission"] not in principal.permissions:
        raise ForbiddenError
    connection.scope["user"] = principal
    connection.scope["auth"] = language
