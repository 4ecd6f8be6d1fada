"""What we keep about a request in its ASGI scope, and what is read from its path."""

from secrets import token_hex
from typing import Any

REQUEST_ID = "integrations_request_id"


def new_request_id() -> str:
    """Return an id for a request that brings none: 128 random bits."""
    return token_hex(16)


def request_id_of(scope: Any) -> str:  # noqa: ANN401 — Litestar and ASGI type scopes differently
    """Return the id of the request, which app/http/middleware.py has put there."""
    return scope[REQUEST_ID]


def first_segment(path: str) -> str:
    """Return the first segment of *path* that is not empty, as Litestar's router counts them."""
    return path.lstrip("/").partition("/")[0]
