"""Authenticates and authorizes a request, and chooses its language, before every route."""

from collections.abc import Mapping

from litestar import Request
from litestar.datastructures import State
from msgspec import Struct

from app.http.body_dto import require_json
from app.http.dependencies import get_dependencies
from app.http.errors import ForbiddenError
from app.http.field_rules import FieldProblem
from app.http.query_parameters import reject_query_parameters
from app.http.request_bodies import BodySchema
from app.tokens.principal import AUDIT, Principal
from domain.errors import IntegrationNotFoundError

WITH_BODY = ("POST", "DELETE")  # methods of which a handler may take no body; nobody sends GET one


class NoBody(Struct):
    """A body without a field."""


async def authorize(request: Request[Principal, object, State]) -> None:
    """Accept *request* if its token has the `permission` of the handler, or its `or_permission`.

    With the permission None any token is enough.

    It is a `before_request` hook, not a guard: Litestar copies the whole handler for a guard.
    A handler that takes query parameters declares it by `opt={"parameters": True}`; one that takes
    no body may have `opt={"other_endpoint_fields": …}`, as in `BodySchema`.
    Stores the Principal as `request.user` and the Language as `request.auth`. A reader of the
    audit trail gets a line in the security log.

    Raises:
        IntegrationNotFoundError: the path's locale is malformed, so there is no such path.
        UnauthorizedError: there is no valid token.
        ForbiddenError: the token lacks the permission.
        RateLimitExceededError: the workspace exceeds its rate.
        InvalidFieldsError: there are query parameters, or fields of a body, and the handler takes
            none.
        UnsupportedEncodingError, UnsupportedMediaTypeError, RequestEntityTooLarge, NotUtf8Error,
        MalformedBodyError, NotAnObjectError: as `reject_body`.
    """
    dependencies, handler = get_dependencies(request.app), request.route_handler
    language = dependencies.catalogues.negotiate(request.path_params["locale"])
    if language is None:
        raise IntegrationNotFoundError
    principal = await dependencies.verifier.authenticate(request.headers.get("authorization"))
    request.scope["user"] = principal
    permission = handler.opt["permission"]
    allowed = (permission, handler.opt.get("or_permission"))
    if permission is not None and principal.permissions.isdisjoint(allowed):
        raise ForbiddenError
    if dependencies.rate_limit is not None:
        dependencies.rate_limit.take(principal.workspace)
    if not handler.opt.get("parameters"):
        reject_query_parameters(request)
    if request.method in WITH_BODY and "data" not in handler.parsed_fn_signature.parameters:
        await reject_body(request, handler.opt.get("other_endpoint_fields", {}))
    request.scope["auth"] = language
    if permission == AUDIT:
        dependencies.security_log.granted(request.scope)


async def reject_body(
    request: Request[Principal, object, State], other_endpoint_fields: Mapping[str, FieldProblem]
) -> None:
    """Read the body of *request*, whose handler takes none: it may be null or have no field.

    Raises:
        UnsupportedEncodingError, UnsupportedMediaTypeError: as `require_json`, if there is a body.
        RequestEntityTooLarge: it is larger than a body may be.
        NotUtf8Error, MalformedBodyError, NotAnObjectError, InvalidFieldsError: as
            `BodySchema.read`.
    """
    if body := await request.body():
        require_json(request)
        schema = BodySchema(
            shape=NoBody, rules={}, is_optional=True, other_endpoint_fields=other_endpoint_fields
        )
        schema.read(body)
