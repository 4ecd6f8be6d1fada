"""A real service, and a worker of one workspace of it."""

import json
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from integrations_client import AsyncIntegrations, Integrations
from integrations_client.keys import WorkerKey, base64url

from app.settings import read_settings
from app.tokens.worker_key import open_worker_key
from scripts.commands.issue_token import issue
from tests.conftest import data_dir, server_dsn, service, start_service
from tests.support.service import Service

__all__ = ["data_dir", "server_dsn", "service", "start_service"]
PATH = "/en/api/integration"
SECRET = "SG.a-key-that-nobody-may-see"  # noqa: S105 — of no provider


class Workspace:
    """A workspace of its own: its administrator, and what a worker of it is given."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.name = f"client-{uuid4().hex}"
        self.admin: httpx2.Client = service.caller(self.name)
        self.key = folder / "worker-key.pem"
        open_worker_key(self.key)
        self.lease_key = folder / "lease-key.json"
        [shown] = self.admin.get("/en/api/lease-keys").json()["result"]["data"]
        self.lease_key.write_text(json.dumps(shown))
        self.token = self.token_for(WorkerKey(self.key))

    def token_for(self, key: WorkerKey | None, *permissions: str) -> str:
        public = key and base64url(key.private.public_key().public_bytes_raw())
        return issue(
            read_settings(self.service.environment),
            workspace=self.name,
            subject="worker-1",
            ttl=3600,
            permissions=permissions or ["integrations:resolve"],
            recipient=public,
        )

    def create(self, **body: Any) -> str:
        mail = {"type": "SENDGRID", "channel": "EMAIL", "senderEmail": "a@example.com"}
        response = self.admin.post(PATH, json={"name": "n", "apiKey": SECRET, **mail, **body})
        assert response.status_code == 201, response.text
        return response.json()["result"]["data"]["id"]

    def rotate(self, integration: str, key: str) -> None:
        path = f"{PATH}/{integration}/credentials"
        assert self.admin.put(path, json={"apiKey": key}).status_code == 200

    def toggle(self, integration: str, *, is_active: bool) -> None:
        path = f"{PATH}/{integration}/toggle"
        assert self.admin.post(path, json={"isActive": is_active}).status_code == 200

    def accesses(self) -> list[dict[str, Any]]:
        return self.admin.get("/en/api/integration-accesses").json()["result"]["data"]

    def options(self, **options: Any) -> dict[str, Any]:
        given = {"token": self.token, "key": self.key, "service_key": self.lease_key}
        return {"base": self.service.address, "timeout": 10, "watch": False, **given, **options}

    @contextmanager
    def client(self, **options: Any) -> Generator[Integrations]:
        with closing(Integrations(**self.options(**options))) as client:
            yield client

    def async_client(self, **options: Any) -> AsyncIntegrations:
        return AsyncIntegrations(**self.options(**options))


@pytest.fixture
def workspace(service: Service, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace that nobody else uses."""
    made = Workspace(service, tmp_path)
    with closing(made.admin):
        yield made


Planned = tuple[int, dict[str, str]] | None


class Gateway:
    """A proxy between worker and service, which first gives the responses of its `script`.

    A response is `(status, headers)`, or None to close the connection without one.
    """

    def __init__(self, address: str) -> None:
        self.script: list[Planned] = []
        self.feed_script: list[Planned] = []
        self.requests: list[str] = []
        self.tokens: list[str] = []
        self.is_away = False
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                gateway.requests.append(self.path)
                gateway.tokens.append(self.headers["authorization"].removeprefix("Bearer "))
                if gateway.script or gateway.is_away:
                    self.fail(gateway.script.pop(0) if gateway.script else (503, {}))
                    return
                named = ("authorization", "content-type")
                headers = {name: self.headers[name] for name in named}
                passed = httpx2.post(address + self.path, content=body, headers=headers)
                self.answer(passed.status_code, {}, passed.content)

            def do_GET(self) -> None:
                if gateway.feed_script or gateway.is_away:
                    self.fail(gateway.feed_script.pop(0) if gateway.feed_script else (503, {}))
                    return
                headers = {"authorization": self.headers["authorization"]}
                passed = httpx2.get(address + self.path, headers=headers, timeout=60)
                self.answer(passed.status_code, {}, passed.content)

            def fail(self, planned: Planned) -> None:
                if planned is None:
                    self.close_connection = True
                else:
                    self.answer(*planned, b"<html>not from the service</html>")

            def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def gateway(service: Service) -> Iterator[Gateway]:
    """A proxy in front of the service that fails as it is told to."""
    made = Gateway(service.address)
    thread = Thread(target=made.server.serve_forever, args=[0.05])
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()
