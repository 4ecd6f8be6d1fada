"""How the database that is set is reached, by the service and by every command."""

import os
import subprocess
from collections.abc import Generator
from pathlib import Path
from socket import create_server

import pytest
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict

from app.database.connection import NETWORK_TIMEOUTS, role_name
from app.database.database import open_database
from app.settings import Settings, SettingsError
from tests.support.service import INTEGRATIONS

SOMEWHERE = "postgresql://somebody:canary@db.example:5433/integrations"
SETTINGS = Settings(data_dir=Path("/nowhere"), keyring="/nowhere/keyring", database_url=SOMEWHERE)
NO_ADDRESSES = [
    "postgresql://somebody:canary@[::1/integrations",
    "canary",
    "password=canary oops=1",
    "postgresql://somebody:100%canary@db.example/integrations",
    "postgresql://somebody:P@canary!Prod@db.example:5433/integrations",
    "postgresql://somebody:ca/nary@db.example:5433/integrations",
    "postgresql://somebody:canary/integrations",
    "postgresql://somebody:12/canary@db.example/integrations",
]
COMMANDS = [["serve"], ["replay", "--follow"], ["rebuild"]]


def test_a_network_that_says_nothing_is_noticed_unless_the_address_says_when() -> None:
    settings = replace(SETTINGS, database_url=f"{SOMEWHERE}?keepalives_idle=60")
    with open_database(settings) as dsn:
        reached = conninfo_to_dict(dsn)

    limits = {name: str(value) for name, value in NETWORK_TIMEOUTS.items()} | {
        "keepalives_idle": "60"
    }
    assert {name: reached.pop(name) for name in limits} == limits
    assert reached == conninfo_to_dict(SOMEWHERE)


def test_the_prefix_of_roles_goes_along_with_the_address() -> None:
    with open_database(replace(SETTINGS, role_prefix="crm")) as dsn:
        assert role_name(dsn, "integrations_query") == "crm_query"
    with open_database(SETTINGS) as dsn:
        assert role_name(dsn, "integrations_query") == "integrations_query"


@pytest.mark.parametrize("wrong", NO_ADDRESSES)
@pytest.mark.parametrize("name", ["database_url", "pooler_url"])
def test_an_address_that_is_none_is_said_without_repeating_it(name: str, wrong: str) -> None:
    settings = replace(SETTINGS, **{name: wrong})
    with pytest.raises(SettingsError) as refused, open_database(settings):
        pass
    said = f"INTEGRATIONS_{name.upper()} is no address of a PostgreSQL database; write"
    assert str(refused.value).startswith(said)
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://a:P%40ss%2F1@db-1.example:5432,db-2.example:5433/app?sslmode=require",
        "postgresql://a:p:a?s#s@[::1]:5432/app",
        "postgresql:///app?host=/var/run/postgresql&password=p@ss",
        "host=db.example password='p@ss w/rd' dbname=app",
    ],
)
def test_an_address_with_any_password_that_is_written_rightly_is_taken(address: str) -> None:
    with open_database(replace(SETTINGS, database_url=address)) as dsn:
        assert conninfo_to_dict(dsn)["dbname"] == "app"


@pytest.fixture
def silent() -> Generator[str]:
    """The address of what takes connections, and says nothing to anybody."""
    with create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://somebody@127.0.0.1:{server.getsockname()[1]}/integrations"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_waits_long_for_a_database_that_says_nothing(
    command: list[str], silent: str, data_dir: Path
) -> None:
    own = {"INTEGRATIONS_DATABASE_URL": silent, "INTEGRATIONS_DATA_DIR": str(data_dir)}
    done = subprocess.run(
        [*INTEGRATIONS, *command],
        env=os.environ | own, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("integrations: ")
    assert "connection timeout expired" in done.stderr
    assert done.stderr.count("\n") == 1
