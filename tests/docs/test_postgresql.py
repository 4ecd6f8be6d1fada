"""The statements of docs/postgresql.md, pasted into a server."""

import os
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.bootstrap import max_connections
from app.database.embedded import open_embedded
from app.database.pools import POOL_SIZE
from tests.support.service import StartService, environment_with, run_command

PAGE = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text()
COMMANDS = ("replay", "keys list", "rebuild --check", "rebuild")
BODY = {"name": "Mail", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.x"}


def statements(heading: str) -> list[bytes]:
    """Return the SQL statements of the section under *heading*, up to the next heading."""
    section = re.split(r"^#", PAGE.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)
    [block] = re.findall(r"```sql\n(.*?)```", section[0], re.DOTALL)
    return [f"{each};".encode() for each in block.strip().rstrip(";").split(";\n")]


@pytest.fixture
def given(data_dir: Path) -> Generator[str]:
    """A server without anything of ours, as its administrator."""
    with open_embedded(data_dir, durable=False) as server:
        yield make_conninfo(server.dsn, options="", dbname="template1")


def test_the_page_counts_the_connections_of_a_worker() -> None:
    assert f"A worker opens up to {max_connections(POOL_SIZE)} connections" in PAGE


def paste(dsn: str, heading: str) -> None:
    """Run the statements under *heading* as an operator would, one after the other."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements(heading):
            if b"CREATE DATABASE integrations " in statement:  # the embedded server has one
                connection.execute("DROP DATABASE integrations")
            connection.execute(statement)


def test_a_migration_by_the_owner_and_then_all_else_as_a_login_without_rights(
    given: str, data_dir: Path, start_service: StartService
) -> None:
    paste(given, "One server")
    owner = make_conninfo(given, user="integrations_owner", dbname="integrations")
    login = make_conninfo(given, user="integrations_service", dbname="integrations")
    migrated = integrations("migrate", DATABASE_URL=owner, DATA_DIR=str(data_dir))
    assert (migrated.returncode, migrated.stderr) == (0, "")
    paste(owner, "A login without rights of its own")
    with start_service(data_dir, database_url=login) as service, service.caller() as client:
        assert client.post("/en/api/integration", json=BODY).status_code == 201
    with start_service(data_dir, database_url=login) as service, service.caller() as client:
        assert client.post("/en/api/integration", json=BODY).status_code == 201
        assert client.get("/en/api/integration").json()["result"]["totalCount"] == 2
        assert client.get("/health/ready").status_code == 200
        for command in COMMANDS:
            ended = integrations(command, DATABASE_URL=login, DATA_DIR=str(data_dir))
            assert (ended.returncode, ended.stderr) == (0, ""), command
        directory = data_dir / "backup"
        refused = integrations(f"backup {directory}", DATABASE_URL=login, DATA_DIR=str(data_dir))
        assert refused.returncode == 1
        line = refused.stderr.splitlines()[-1]
        assert "integrations_service does not see all rows" in line
        assert "INTEGRATIONS_DATABASE_URL of integrations_owner" in line
        refused = integrations("audit-key rotate", DATABASE_URL=login, DATA_DIR=str(data_dir))
        assert refused.returncode == 1
        line = refused.stderr.splitlines()[-1]
        assert "INTEGRATIONS_DATABASE_URL of the owner of the tables" in line
        made = integrations(f"backup {directory}", DATABASE_URL=owner, DATA_DIR=str(data_dir))
        assert made.returncode == 0, made.stderr


def integrations(command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run *command* with *settings* alone."""
    return run_command(environment_with(**settings), *command.split())


def test_pgbouncers_login_may_take_on_the_roles_of_requests(
    given: str, data_dir: Path, start_service: StartService
) -> None:
    paste(given, "One server")
    owner = make_conninfo(given, user="integrations_owner", dbname="integrations")
    with start_service(data_dir, database_url=owner):
        paste(owner, "PgBouncer")
    for role in ("command", "query", "past"):
        login = make_conninfo(
            owner, user="integrations_pooler", options=f"-c role=integrations_{role}"
        )
        with psycopg.connect(login) as connection:
            connection.execute("TABLE integrations.migrations")


@pytest.mark.slow
def test_a_major_upgrade_of_the_embedded_server(
    data_dir: Path, start_service: StartService, debian_programs: Path
) -> None:
    section = PAGE.partition("## Major upgrades")[2]
    [script] = [
        block for block in re.findall(r"```\n(.*?)```", section, re.DOTALL) if "mv" in block
    ]
    var = data_dir / "var"
    for folder in (var, var / "lib", var / "lib/integrations", var / "backups"):
        folder.mkdir(mode=0o711)
    older = {"postgres_bin": str(debian_programs)}
    with start_service(var / "lib/integrations", **older) as service, service.caller() as client:
        assert client.post("/en/api/integration", json=BODY).status_code == 201
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script.replace("/var/", f"{var}/")],
        env=service.environment | {"PATH": path},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with start_service(var / "lib/integrations") as service, service.caller() as client:
        assert client.get("/en/api/integration").json()["result"]["totalCount"] == 1
        assert client.post("/en/api/integration", json=BODY).status_code == 201
