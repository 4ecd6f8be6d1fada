"""Is the process alive, and can it serve? Needs no token and shows no data."""

from typing import Literal

from litestar import Request, Response, get
from litestar.datastructures import State
from msgspec import Struct

from app.database.availability import UnavailableError
from app.http.dependencies import parts_of


class Health(Struct):
    """`status` is `live` or `ready`; `checks` are those that hold."""

    status: Literal["live", "ready"]
    checks: list[str] = []


@get("/health/live", tags=["Health"], operation_id="live", sync_to_thread=False)
def live() -> Health:
    """Tell that the process runs."""
    return Health("live")


@get("/health/ready", tags=["Health"], operation_id="ready")
async def ready(request: Request[object, object, State]) -> Response[Health]:
    """Tell whether requests can be served: database, migrations and log; 503 where not."""
    checks = await parts_of(request.app).ready()
    if not all(checks.values()):
        raise UnavailableError
    return Response(Health("ready", sorted(checks)))
