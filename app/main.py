"""The composition root: makes the application from its parts; importing it does nothing."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

from litestar import Litestar
from litestar.datastructures import State

from app.http.audit import AuditController
from app.http.dependencies import Parts
from app.http.docs.page import docs_config
from app.http.history import HistoryController
from app.http.integrations.check import CheckController
from app.http.integrations.controller import IntegrationController
from app.http.integrations.types import IntegrationTypesController
from app.http.metrics import metrics
from app.http.middleware import Outermost
from app.http.openapi.document import TrueDocument
from app.http.operations import live, ready
from app.http.problems import answer_problem

BODY_LIMIT = 64 * 1024  # bytes
TITLE = "Integrations"
DESCRIPTION = "Third-party service connections of a workspace; secrets are write-only."


def create_app(parts: Parts) -> Outermost:
    """Return the ASGI application made of *parts*; its lifespan opens and closes them."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None]:
        async with parts.running():
            yield

    litestar = Litestar(
        route_handlers=[
            IntegrationController,
            CheckController,
            IntegrationTypesController,
            HistoryController,
            AuditController,
            live,
            ready,
            metrics,
        ],
        state=State({"parts": parts}),
        lifespan=[lifespan],
        exception_handlers={Exception: answer_problem},
        request_max_body_size=BODY_LIMIT,
        openapi_config=docs_config(
            TITLE,
            version("integrations"),
            description=DESCRIPTION,
            document=TrueDocument(parts.forms),
        ),
        logging_config=None,
    )
    return Outermost(litestar, parts.metrics)
