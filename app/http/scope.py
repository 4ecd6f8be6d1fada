"""What we keep about a request in its ASGI scope, and what is read from its path."""

from typing import Any
from uuid import uuid4

REQUEST_ID = "integrations_request_id"


def request_id_of(scope: Any) -> str:  # noqa: ANN401 — Litestar and ASGI type scopes differently
    """Return the id of the request; a new one where the outermost callable is not there."""
    return scope.setdefault(REQUEST_ID, uuid4().hex)


def first_segment(path: str) -> str:
    """Return the first segment of *path* that is not empty, as Litestar's router counts them."""
    return path.lstrip("/").partition("/")[0]
