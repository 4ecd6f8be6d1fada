"""A real service, and a worker of one workspace of it."""

import json
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
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

__all__ = ["data_dir", "server_dsn", "service", "start_service"]
Service = Any
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
        return {"base": self.service.address, "timeout": 10, **given, **options}

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
