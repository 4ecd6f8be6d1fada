"""What the service tells of itself, to Prometheus. Needs no token and shows no data."""

from litestar import Request, Response, get
from litestar.datastructures import State

from app.http.dependencies import parts_of
from app.metrics.instruments import CONTENT_TYPE


@get("/metrics", include_in_schema=False)
async def metrics(request: Request[object, object, State]) -> Response[bytes]:
    """Return all figures, those of all workers added up."""
    return Response(await parts_of(request.app).metrics.text(), media_type=CONTENT_TYPE)
