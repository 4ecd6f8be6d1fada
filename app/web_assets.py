"""Files that pages name; the path of each holds a digest, so what it names never changes."""

import gzip
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}  # Litestar adds the charset
YEAR = 31_536_000  # seconds
TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")  # RFC 9110, 12.5.3


class Asset(Struct, frozen=True):
    """A script or a style sheet; empty `compressed` means that it is only sent as it is."""

    path: str
    media_type: str
    body: bytes
    compressed: bytes = b""


def read_asset(file: Path, folder: str, *, compress: bool = False) -> Asset:
    """Return the script or style sheet in *file*, below the path *folder*; raise OSError."""
    body = file.read_bytes()
    return Asset(
        path=f"{folder}/{sha256(body).hexdigest()[:16]}/{file.name}",
        media_type=MEDIA_TYPES[file.suffix],
        body=body,
        compressed=gzip.compress(body, mtime=0) if compress else b"",
    )


def asset_route(asset: Asset) -> HTTPRouteHandler:
    """Return the handler of *asset*: one exact path, so that no request can name another file."""
    cache = CacheControlHeader(public=True, max_age=YEAR, immutable=True)

    @get(asset.path, cache_control=cache, include_in_schema=False, sync_to_thread=False)
    def serve_asset(request: Request[Any, Any, Any]) -> Response[bytes]:
        if not asset.compressed:
            return Response(asset.body, media_type=asset.media_type)
        headers, body = {"Vary": "Accept-Encoding"}, asset.body
        if TAKES_GZIP.search(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"], body = "gzip", asset.compressed
        return Response(body, media_type=asset.media_type, headers=headers)

    return serve_asset
