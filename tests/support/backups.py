"""The commands backup and restore, as an operator types them, and what is stored after them."""

import asyncio
import threading
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, Self

import psycopg
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row

from app.secrets.keyring_factory import open_keyring
from app.secrets.sealing import SealedSecret, unseal
from scripts.commands.cli import commands
from scripts.commands.user_errors import USER_ERRORS
from tests.support.service import Service, environment_with

Environment = dict[str, str]
PATH = "/en/api/integration"
AUDIT_KEY = "audit-key.pem"
NUMBERS = count(1)
SECRETS = """
SELECT workspace_id AS workspace, stream, field, version, kek, wrapped_key, nonce, ciphertext
FROM integrations.secret_store ORDER BY stream
"""
ROWS = "SELECT position, workspace_id, sequence, envelope FROM integrations.events ORDER BY 1"


def new_database(server: str) -> str:
    """Return the conninfo of a new database on *server*, as its `owner`."""
    name = f"given_{next(NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER owner".encode())
    return make_conninfo(server, dbname=name, user="owner")


def settings(data_dir: Path, dsn: str | None = None) -> Environment:
    """Return the environment of an installation in *data_dir*, embedded without a *dsn*."""
    return environment_with(data_dir=data_dir, **{} if dsn is None else {"database_url": dsn})


def add(client: Any, key: str) -> str:
    """Create an integration with *key*; return its id."""
    body = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": key}
    response = client.post(PATH, json=body)
    assert response.status_code == 201, response.text
    return response.json()["result"]["data"]["id"]


def run(environment: Environment, *words: str | Path) -> Result:
    """Run a command to its end, in this process, which is quicker."""
    given = {name: value for name, value in environment.items() if name.startswith("INTEGR")}
    return CliRunner().invoke(commands, [*map(str, words)], env=given)


def done(environment: Environment, *words: str | Path) -> str:
    """Run a command, which must succeed; return what it prints."""
    ended = run(environment, *words)
    assert ended.exit_code == 0, ended.exception
    return ended.stdout


def refusal(environment: Environment, *words: str | Path) -> str:
    """Run a command, which must fail with one line; return the line."""
    ended = run(environment, *words)
    assert isinstance(ended.exception, USER_ERRORS), ended.exception
    assert (ended.stdout, str(ended.exception).count("\n")) == ("", 0)
    return str(ended.exception)


def log_of(dsn: str) -> list[Any]:
    """Return the events in the database, with their places."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(ROWS).fetchall()


def opened(dsn: str, environment: Environment) -> list[str]:
    """Return the secrets in the database, opened with the keyring of *environment*."""
    keyring = open_keyring(f"{environment['INTEGRATIONS_DATA_DIR']}/keyring.json", None)

    async def unsealed(rows: Sequence[SealedSecret]) -> list[str]:
        return [(await unseal(keyring, row)).reveal().decode() for row in rows]

    with (
        psycopg.connect(dsn) as connection,
        connection.cursor(row_factory=class_row(SealedSecret)) as cursor,
    ):
        return asyncio.run(unsealed(cursor.execute(SECRETS).fetchall()))


class Writers:
    """Clients that create integrations until the block ends; `acknowledged` are their ids."""

    def __init__(self, service: Service, amount: int) -> None:
        self.acknowledged: list[str] = []
        self._service = service
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._write) for _ in range(amount)]

    def _write(self) -> None:
        with self._service.caller() as client:
            while not self._stopping.is_set():
                self.acknowledged.append(add(client, f"SG.{next(NUMBERS)}"))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()


def schemas(environment: Environment) -> int:
    """Return whether the database has our schema: 0 or 1."""
    with psycopg.connect(environment["INTEGRATIONS_DATABASE_URL"]) as connection:
        found = connection.execute("SELECT FROM pg_namespace WHERE nspname = 'integrations'")
        return found.rowcount
