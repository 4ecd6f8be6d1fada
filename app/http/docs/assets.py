"""The files that the docs page needs, read once and served from memory."""

from hashlib import sha256
from pathlib import Path

from litestar import Response, get
from litestar.datastructures import CacheControlHeader
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

FOLDER = Path(__file__).parent
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}  # Litestar adds the charset
YEAR = 31_536_000  # seconds


class Asset(Struct, frozen=True):
    """A file under /docs; its `path` holds a digest of `body`, so a path never changes content."""

    path: str
    media_type: str
    body: bytes


def read_asset(name: str) -> Asset:
    """Read the script or style sheet *name*, a path in this folder; raise `OSError` without it."""
    file = FOLDER / name
    body = file.read_bytes()
    return Asset(
        path=f"/assets/{sha256(body).hexdigest()[:16]}/{file.name}",
        media_type=MEDIA_TYPES[file.suffix],
        body=body,
    )


def asset_route(asset: Asset) -> HTTPRouteHandler:
    """Return the handler of *asset*: one exact path, so that no request can name another file."""
    cache = CacheControlHeader(public=True, max_age=YEAR, immutable=True)

    @get(asset.path, cache_control=cache, include_in_schema=False, sync_to_thread=False)
    def serve_asset() -> Response[bytes]:
        return Response(asset.body, media_type=asset.media_type)

    return serve_asset
