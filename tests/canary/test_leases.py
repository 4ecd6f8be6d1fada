"""No lease shows what is in it, nor does anything that is kept or told of leases."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from app.database.embedded import open_embedded
from app.providers.registry import load_providers
from app.tokens.principal import RESOLVE
from tests.canary.conftest import Canaries
from tests.support.service import INTEGRATIONS, Service, StartService
from tests.support.worker import Worker, client_with

PATH = "/en/api/integration"
SECRETS = ("apiKey", "apiSecret", "vapidPrivateKey")
# Runs at the start of every Python of the service: leases are signed, and not sealed.
UNSEALED = """
from app.secrets import lease

lease.seal_for = lambda recipient, content, info: content.reveal()
"""


class Walk:
    """All that has to do with leases, asked for: `told` came back, `granted` are the leases."""

    def __init__(self, service: Service, canaries: Canaries) -> None:
        self.service, self.canaries = service, canaries
        self.told: list[bytes] = []
        self.granted: list[httpx2.Response] = []
        self.worker = Worker(service, "canary")
        with (
            service.caller("canary") as admin,
            self.worker.client as worker,
            client_with(service, workspaceId="canary", permissions=[RESOLVE]) as keyless,
        ):
            for type_, provider in load_providers().items():
                body = {"name": "n", "type": type_, "channel": provider.channel}
                body |= {field: canaries.new() for field in SECRETS}
                place = self.hear(admin.post(PATH, json=body), 201).headers["location"]
                self.lease(worker, place)
                self.hear(keyless.post(f"{place}/lease"), 403)
                self.hear(admin.post(f"{place}/lease"), 403)
                self.hear(admin.put(f"{place}/credentials", json={"apiKey": canaries.new()}), 200)
                self.lease(worker, place)
                self.hear(admin.get(f"{place}/accesses"), 200)
                self.hear(admin.post(f"{place}/toggle", json={"isActive": False}), 200)
                self.hear(worker.post(f"{place}/lease"), 409)
            for path in ("/en/api/integration-accesses", "/en/api/integration-changes?after=0",
                         "/en/api/lease-keys", "/metrics", "/docs/openapi.json",
                         "/docs"):  # fmt: skip
                self.hear(admin.get(path), 200)
        self.told += map(self.run, ("jsonl", "table"))

    def hear(self, answer: httpx2.Response, status: int) -> httpx2.Response:
        assert answer.status_code == status, answer.text
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        self.told.append(head.encode() + b"\n\n" + answer.content)
        return answer

    def lease(self, worker: httpx2.Client, place: str) -> None:
        """Lease with and without a key for repetition, and for what is no purpose."""
        new = self.canaries.new
        once: dict[str, Any] = {"json": {"purpose": "once"}}
        repeated: dict[str, Any] = {**once, "headers": {"Idempotency-Key": place[-26:]}}
        for more in (once, repeated, repeated):
            self.granted.append(self.hear(worker.post(f"{place}/lease", **more), 200))
        for wrong in ({"purpose": f"{new()} "}, {"purpose": {new(): new()}}, {new(): new()}):
            self.hear(worker.post(f"{place}/lease", json=wrong), 400)

    def run(self, form: str) -> bytes:
        """Return all that the command prints of the journal."""
        return subprocess.run(
            [*INTEGRATIONS, "accesses", "--workspace", "canary", "--format", form],
            env=self.service.environment, check=True, capture_output=True, timeout=60,
        ).stdout  # fmt: skip


@pytest.fixture
def walk(
    start_service: StartService,
    data_dir: Path,
    make_talkative: Callable[[psycopg.Connection], None],
    canaries: Canaries,
) -> Callable[[], Walk]:
    """Walk through a service of one's own that logs all that it can, to its end."""

    def walk() -> Walk:
        with (
            start_service(data_dir, log_level="DEBUG") as service,
            open_embedded(data_dir) as server,
            psycopg.connect(server.dsn, autocommit=True) as database,
        ):
            make_talkative(database)
            walked = Walk(service, canaries)
            database.execute("CHECKPOINT")
        return walked

    return walk


def test_what_only_the_worker_opens_is_in_no_other_byte(
    walk: Callable[[], Walk], canaries: Canaries, data_dir: Path
) -> None:
    walked = walk()

    assert canaries.found_in(b"\n".join(walked.told)) == []
    assert canaries.found_under(data_dir) == {}
    assert len(walked.granted) == 6 * len(load_providers())
    for lease in walked.granted:
        assert canaries.found_in(json.dumps(walked.worker.open(lease)).encode()) == ["raw"]


def test_the_negative_control_unsealed_leases_are_found(
    walk: Callable[[], Walk],
    canaries: Canaries,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(UNSEALED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    walked = walk()

    found = canaries.found_in(b"\n".join(walked.told))
    assert found
    assert all(" in base64" in spelling for spelling in found)  # in claims, in a token
    # Not even then is a lease kept: not in the log, and not for an Idempotency-Key.
    assert canaries.found_under(data_dir) == {}
