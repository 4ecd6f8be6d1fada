"""What this is, health, readiness and metrics; they need no token and show no data."""

from collections.abc import Mapping
from typing import Literal

from litestar import Request, Response, get
from litestar.datastructures import State
from msgspec import Struct

from app.audit.lag import SigningWatch
from app.database.availability import UnavailableError, translate_unavailable
from app.database.migrate import migration_names
from app.database.pools import Pool
from app.http.dependencies import get_dependencies
from app.http.errors import NotReadyError
from app.http.field_rules import FieldProblem
from app.metrics.instruments import CONTENT_TYPE

APPLIED_MIGRATIONS_SQL = "SELECT name FROM integrations.migrations"
HEAD_SQL = "SELECT integrations.head()"
# What a check that does not hold is called in the response: no more than that, for anybody may ask.
FAILURES: Mapping[str, FieldProblem] = {
    "database": FieldProblem("DATABASE_AWAY", "The database does not answer"),
    "migrations": FieldProblem("OTHER_SCHEMA", "The database has the schema of another release"),
    "signing": FieldProblem("LOG_NOT_SIGNED", "The log is not being signed"),
}


class Health(Struct):
    """`status` is `live` or `ready`; `checks` are those that hold."""

    status: Literal["live", "ready"]
    checks: list[str] = []


class Welcome(Struct):
    """What answers here, and the paths of what a person may look for."""

    service: str
    links: Mapping[str, str]


@get("/", include_in_schema=False, sync_to_thread=False)
def welcome(request: Request[object, object, State]) -> Welcome:
    """Say what this is, and where its pages are."""
    links = {"docs": "/docs", "openapi": "/docs/openapi.json"}
    if get_dependencies(request.app).sessions is not None:
        links["console"] = "/console"
    return Welcome("Integrations: third-party service connections of a workspace", links)


@get("/health/live", tags=["Health"], operation_id="live", sync_to_thread=False)
def live() -> Health:
    """Confirm that the process runs."""
    return Health("live")


@get("/health/ready", tags=["Health"], operation_id="ready")
async def ready(request: Request[object, object, State]) -> Response[Health]:
    """Check database, migrations and log; 503 if requests cannot be served, or are not signed."""
    try:
        checks = await get_dependencies(request.app).readiness()
    except UnavailableError:
        checks = {"database": False}
    if failed := [(None, FAILURES[name]) for name, holds in checks.items() if not holds]:
        raise NotReadyError([*failed])
    return Response(Health("ready", sorted(checks)))


@get("/metrics", include_in_schema=False)
async def metrics(request: Request[object, object, State]) -> Response[bytes]:
    """Return all metrics, added up over all workers."""
    return Response(await get_dependencies(request.app).metrics.text(), media_type=CONTENT_TYPE)


class Readiness:
    """Checks through *pool*, which no tenant's request uses."""

    def __init__(self, pool: Pool, signing: SigningWatch | None = None) -> None:
        self.pool = pool
        self.signing = signing

    async def checks(self) -> Mapping[str, bool]:
        """Return each check and whether it holds.

        Raises:
            UnavailableError: the database is down or busy.
        """
        with translate_unavailable():
            async with self.pool.connection() as connection:
                cursor = await connection.execute(APPLIED_MIGRATIONS_SQL)
                applied = {name for (name,) in await cursor.fetchall()}
                await connection.execute(HEAD_SQL)
            signing = self.signing is None or await self.signing.is_signing()
        migrated = migration_names() <= applied
        return {"database": True, "migrations": migrated, "log": True, "signing": signing}
