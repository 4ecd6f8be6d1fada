"""Two hosts, each with a keyring file, between `keys rotate` on one and the copy to the other."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from click.testing import CliRunner

from scripts.commands.keys import keys_commands
from tests.support.service import Service, StartService, new_data_dir
from tests.support.worker import Worker

PATH = "/en/api/integration"
KEY = "SG.a-key-that-is-sealed-elsewhere"
BODY = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": KEY}
KEPT = {"Idempotency-Key": "made-once"}


class Host:
    """A host that lacks the KEK `kek`: a client, a worker, and an integration of another host."""

    def __init__(self, service: Service, client: httpx2.Client, other: Path, made: Any) -> None:
        self.service, self.client, self.other = service, client, other
        self.made, self.integration = made, made.json()["result"]["data"]["id"]
        self.kek = keks(service)[-1]
        self.worker = Worker(service, "demo")

    def rename(self) -> httpx2.Response:
        return self.client.patch(f"{PATH}/{self.integration}", json={"name": f"key {KEY}"})

    def lease(self) -> httpx2.Response:
        return self.worker.lease(self.integration)

    def replace(self) -> httpx2.Response:
        given = {"apiKey": "SG.another-key-that-is-sealed-here"}
        return self.client.put(f"{PATH}/{self.integration}/credentials", json=given)

    def check(self) -> httpx2.Response:
        return self.client.post(f"{PATH}/{self.integration}/check")

    def repeat(self) -> httpx2.Response:
        return self.client.post(PATH, json=BODY, headers=KEPT)


def keks(service: Service) -> list[str]:
    """Return the ids of the KEKs that the database knows, oldest first."""
    with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as connection:
        found = connection.execute(
            "SELECT name FROM integrations.installation_keys WHERE kind = 'KEK' ORDER BY at"
        )
        return [name for (name,) in found]


def run_keys(service: Service, *words: str) -> None:
    ended = CliRunner().invoke(keys_commands, words, env=service.environment)
    assert ended.exit_code == 0, ended.output


@pytest.fixture
def host(start_service: StartService, data_dir: Path, dsn: str) -> Iterator[Host]:
    with ExitStack() as stack:
        other = stack.enter_context(new_data_dir())
        first = stack.enter_context(start_service(other, database_url=dsn))
        for name in ("audit-key.pem", "token-key.pem", "lease-key.pem", "keyring.json"):
            shutil.copy2(other / name, data_dir / name)
        here = stack.enter_context(start_service(data_dir, database_url=dsn))
        run_keys(first, "rotate")
        there = stack.enter_context(first.caller())
        made = there.post(PATH, json=BODY, headers=KEPT)
        assert made.status_code == 201
        host = Host(here, stack.enter_context(here.caller()), other, made)
        stack.enter_context(host.worker.client)
        yield host


def test_what_needs_a_key_of_another_host_is_503_until_the_keyring_is_copied(host: Host) -> None:
    asked = (host.rename, host.lease, host.check, host.repeat, host.replace)
    refused = [ask() for ask in asked]
    off = host.client.post(f"{PATH}/{host.integration}/toggle", json={"isActive": False})
    on = host.client.post(f"{PATH}/{host.integration}/toggle", json={"isActive": True})
    added = host.client.post(PATH, json=BODY)
    shutil.copy2(host.other / "keyring.json", host.service.environment["INTEGRATIONS_DATA_DIR"])
    answered = [ask() for ask in asked]

    for each in refused:
        assert (each.status_code, each.json()["result"]["error"]) == (503, "UNAVAILABLE")
        assert each.headers["Retry-After"] == "1"
    assert f"The keyring of this host lacks {host.kek}: copy" in host.service.log_file.read_text()
    assert [each.status_code for each in (off, on, added)] == [200, 200, 201]
    assert [each.status_code for each in answered] == [400, 200, 200, 201, 200]
    assert answered[3].content == host.made.content


def test_a_key_that_was_given_up_is_passed_over_and_a_lease_says_so(host: Host) -> None:
    run_keys(host.service, "remove", "--yes", "--lost", host.kek)

    lease, doctor = host.lease(), host.service.run("doctor")
    renamed, checked, repeated = host.rename(), host.check(), host.repeat()
    replaced = host.replace()

    result = lease.json()["result"]
    assert (lease.status_code, result["error"]) == (409, "CONFLICT")
    assert result["message"].startswith("The stored credentials cannot be opened")
    assert f"1 secrets are under {host.kek}, which was given up" in doctor.stdout
    assert (renamed.status_code, repeated.status_code) == (200, 422)
    assert checked.json()["result"]["data"]["outcome"] == "inconclusive"
    assert (replaced.status_code, host.lease().status_code) == (200, 200)
