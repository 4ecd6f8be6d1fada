"""The HTTP application: its routes, and what stands in front of them."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from litestar import Litestar
from litestar.datastructures import State

from app.http.accesses import AccessController
from app.http.admin_port import AdminPort
from app.http.audit import AuditController
from app.http.changes import ChangeController
from app.http.console_link import ConsoleLinkController
from app.http.cross_origin import CrossOriginMiddleware
from app.http.dependencies import Dependencies
from app.http.docs.page import docs_config
from app.http.error_responses import handle_exception
from app.http.history import HistoryController
from app.http.integrations.check import CredentialCheckController
from app.http.integrations.controller import IntegrationController
from app.http.integrations.credential_lists import (
    NewestChecksController,
    StoredCredentialsController,
)
from app.http.integrations.defaults import ChannelDefaultController
from app.http.integrations.types import IntegrationTypesController
from app.http.leases import LeaseController
from app.http.middleware import ASGI, RequestMiddleware
from app.http.openapi.document import OpenAPIDocument
from app.http.operations import live, metrics, ready, welcome
from app.http.request_heads import RequestHeadCheck
from app.http.whoami import WhoamiController
from app.settings import MAX_BODY_BYTES

ROUTES = (
    IntegrationController,
    CredentialCheckController,
    ChannelDefaultController,
    NewestChecksController,
    StoredCredentialsController,
    LeaseController,
    AccessController,
    IntegrationTypesController,
    HistoryController,
    ChangeController,
    AuditController,
    WhoamiController,
    welcome,
    ConsoleLinkController,
    live,
    ready,
    metrics,
)
TITLE = "Integrations"
DESCRIPTION = "Third-party service connections of a workspace; secrets are write-only."


def create_app(
    dependencies: Dependencies,
    cors_origins: Sequence[str] = (),
    admin_port: int | None = None,
    add_console: Callable[[ASGI], ASGI] | None = None,
) -> RequestMiddleware:
    """Return the ASGI application made of *dependencies*; its lifespan opens and closes them.

    Pages of *cors_origins* may read its responses. Health and metrics are on *admin_port* alone, if
    there is one. *add_console* puts the console in front of the API, whose client it is.
    """
    document = OpenAPIDocument(dependencies.body_schemas)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        document.prepare(app)
        async with dependencies.lifespan():
            yield

    litestar = Litestar(
        route_handlers=ROUTES,
        state=State({"dependencies": dependencies}),
        lifespan=[lifespan],
        exception_handlers={
            Exception: partial(handle_exception, dependencies.catalogues, dependencies.security_log)
        },
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=docs_config(
            TITLE,
            version("integrations"),
            description=DESCRIPTION,
            document=document,
        ),
        logging_config=None,
    )
    served = add_console(litestar) if add_console else litestar
    return guard_app(served, dependencies, cors_origins, admin_port)


def guard_app(
    app: ASGI, dependencies: Dependencies, cors_origins: Sequence[str], admin_port: int | None
) -> RequestMiddleware:
    """Return *app* behind what looks at each request first."""
    checked = RequestHeadCheck(app, dependencies.catalogues)
    shared = CrossOriginMiddleware(checked, cors_origins) if cors_origins else checked
    split = AdminPort(shared, admin_port, dependencies.catalogues) if admin_port else shared
    return RequestMiddleware(split, dependencies.metrics, dependencies.feed.stop)
