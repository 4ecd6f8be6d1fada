"""The running service as a client sees it: its own workspace, and bare sockets."""

import socket
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.support.service import Service
from tests.support.worker import Worker

Raw = Callable[[bytes], bytes]
Problem = Callable[..., dict[str, Any]]


@pytest.fixture
def workspace() -> str:
    """The name of a workspace that nobody else uses."""
    return f"http-{uuid4().hex}"


@pytest.fixture
def client(service: Service, workspace: str) -> Iterator[httpx2.Client]:
    """A client with the token of an administrator of `workspace`."""
    with service.caller(workspace) as client:
        yield client


@pytest.fixture
def worker(service: Service, workspace: str) -> Iterator[Worker]:
    """A worker of `workspace` with a key of its own."""
    worker = Worker(service, workspace)
    with worker.client:
        yield worker


@pytest.fixture
def body() -> dict[str, Any]:
    """A body that creates an integration without a warning."""
    return {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "senderEmail": "a@example.com"}


@pytest.fixture(scope="session")
def problem() -> Problem:
    """Check that an answer is the error envelope and nothing but it; return its `result`."""
    return envelope_in


def envelope_in(answer: httpx2.Response, status: int, error: str) -> dict[str, Any]:
    """Return the result of *answer*, an error envelope with *status* and *error*."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["result"]
    result = answer.json()["result"]
    assert list(result) in (ALWAYS, [*ALWAYS, "details"])
    assert result["data"] is None
    assert (result["error"], result["status"]) == (error, status)
    assert result["requestId"] == answer.headers["x-request-id"]
    assert "content-language" in answer.headers
    return result


ALWAYS = ["data", "error", "message", "status", "requestId"]


@pytest.fixture
def raw(service: Service) -> Raw:
    """Send bytes over a new connection and return all that comes back until it is closed."""
    host, port = service.address.removeprefix("http://").split(":")

    def send(data: bytes) -> bytes:
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    return send
