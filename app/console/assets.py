"""The style sheet and scripts; the path of each holds a digest, so what it names never changes."""

import gzip
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

FOLDER = Path(__file__).parent / "assets"
FILES = {
    "style": "console.css",
    "htmx": "htmx/htmx.min.js",
    "csp": "htmx/hx-csp.min.js",
    "script": "console.js",
}
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}  # Litestar adds the charset
YEAR = 31_536_000  # seconds
TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")  # RFC 9110, 12.5.3


class Asset(Struct, frozen=True):
    """A file that pages name."""

    path: str
    media_type: str
    body: bytes
    compressed: bytes


def read_assets() -> dict[str, Asset]:
    """Return the assets by the names that templates use; raise OSError without a file."""
    return {name: read_asset(FOLDER / file) for name, file in FILES.items()}


def read_asset(file: Path) -> Asset:
    """Return the asset in *file*."""
    body = file.read_bytes()
    path = f"/console/assets/{sha256(body).hexdigest()[:16]}/{file.name}"
    return Asset(path, MEDIA_TYPES[file.suffix], body, gzip.compress(body, mtime=0))


def asset_routes(assets: dict[str, Asset]) -> Iterator[HTTPRouteHandler]:
    """Yield the handlers of *assets*: one exact path each, so that none can name another file."""
    yield from map(asset_route, assets.values())


def asset_route(asset: Asset) -> HTTPRouteHandler:
    """Return the handler of *asset*."""
    cache = CacheControlHeader(public=True, max_age=YEAR, immutable=True)

    @get(asset.path, cache_control=cache, include_in_schema=False, sync_to_thread=False)
    def serve_asset(request: Request[Any, Any, Any]) -> Response[bytes]:
        headers, body = {"Vary": "Accept-Encoding"}, asset.body
        if TAKES_GZIP.search(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"], body = "gzip", asset.compressed
        return Response(body, media_type=asset.media_type, headers=headers)

    return serve_asset
