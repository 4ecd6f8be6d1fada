"""The service with its keyring in Vault: the same service, and 503 while Vault is away."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest
from click.testing import CliRunner

from scripts.commands.keys import keys_commands
from tests.app.secrets.conftest import Transit
from tests.support.service import StartService, environment_with, run_command

PATH = "/en/api/integration"
BODY = {"name": "n", "type": "FIREBASE_FCM", "channel": "PUSH", "apiKey": "AAAA-the-key"}


@pytest.fixture
def settings(dsn: str, transit: Transit, token_file: Path) -> dict[str, str]:
    """A database, and the keyring in Vault."""
    return {
        "database_url": dsn,
        "keyring": transit.address,
        "vault_token_file": str(token_file),
    }


@pytest.fixture
def client(
    start_service: StartService,
    data_dir: Path,
    settings: dict[str, str],
) -> Iterator[httpx2.Client]:
    with start_service(data_dir, **settings) as service:
        assert not (data_dir / "keyring.json").exists()
        with service.caller() as client:
            yield client


def test_secrets_are_sealed_by_vault_and_opened_by_it(
    client: httpx2.Client, transit: Transit, dsn: str
) -> None:
    id_ = client.post(PATH, json=BODY).json()["result"]["data"]["id"]
    with psycopg.connect(dsn) as connection:
        keks = connection.execute("SELECT kek FROM integrations.secret_store").fetchall()
    assert keks == [("vault:kms/transit/payments:v1",)]
    client.post(f"{PATH}/{id_}/check")
    asked = [operation for operation, _ in transit.heard]
    assert asked.count("POST decrypt/payments") == 1


def test_while_vault_is_away_secrets_are_503_and_all_else_goes_on(
    client: httpx2.Client, transit: Transit
) -> None:
    id_ = client.post(PATH, json=BODY).json()["result"]["data"]["id"]
    transit.says = (503, b'{"errors":["Vault is sealed"]}')
    for answer in (
        client.post(PATH, json=BODY),
        client.put(f"{PATH}/{id_}/credentials", json={"apiKey": "AAAA-new"}),
        client.post(f"{PATH}/{id_}/check"),
    ):
        assert (answer.status_code, answer.json()["result"]["error"]) == (503, "UNAVAILABLE")
    assert client.get(PATH).json()["result"]["totalCount"] == 1
    off, known = {"isActive": False}, {"X-Request-Id": "deploy-4711"}  # compared with no secret
    switched = client.post(f"{PATH}/{id_}/toggle", json=off, headers=known)
    assert (switched.status_code, switched.headers["X-Request-Id"]) == (200, "deploy-4711")
    transit.says = None
    assert client.post(PATH, json=BODY).status_code == 201


def environment_of(settings: dict[str, str], data_dir: Path) -> dict[str, str]:
    """Return the environment that sets *settings*."""
    return environment_with(data_dir=data_dir, port="0", **settings)


def started_again(settings: dict[str, str], data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Start a second service, which is not expected to start."""
    return run_command(environment_of(settings, data_dir), "serve")


def test_a_vault_that_is_away_or_lacks_the_key_stops_the_start_with_one_line(
    client: httpx2.Client, settings: dict[str, str], data_dir: Path, transit: Transit
) -> None:
    assert client.post(PATH, json=BODY).status_code == 201
    for says, said in (
        ((503, b""), "does not answer"),
        ((404, b'{"errors":[]}'), "lacks vault:kms/transit/payments:v1"),
    ):
        transit.says = says
        ended = started_again(settings, data_dir)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert said in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_the_keyring_moves_from_a_file_to_vault(
    start_service: StartService,
    data_dir: Path,
    settings: dict[str, str],
    transit: Transit,
) -> None:
    with (
        start_service(data_dir, database_url=settings["database_url"]) as service,
        service.caller() as client,
    ):
        id_ = client.post(PATH, json=BODY).json()["result"]["data"]["id"]
    environment = environment_of(settings, data_dir)
    move = ["rewrap", "--from", str(data_dir / "keyring.json")]
    moved = CliRunner().invoke(keys_commands, move, env=environment)
    assert moved.stdout == "Rewrapped 1 keys of secrets; 0 are under other KEKs.\n"
    (data_dir / "keyring.json").unlink()
    with start_service(data_dir, **settings) as service, service.caller() as client:
        transit.heard.clear()
        client.post(f"{PATH}/{id_}/check")
        assert [operation for operation, _ in transit.heard] == ["POST decrypt/payments"]
        assert "cannot be opened" not in service.log_file.read_text()
