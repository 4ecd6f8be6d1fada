"""Links that an operator gets: by integrations console, and at the start by scripts/run."""

import asyncio
import json
import re
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest
from click.testing import CliRunner, Result

from app.database.database import open_known_database
from app.database.pools import open_pool
from app.settings import read_settings
from app.sign_in.sign_in_codes import SignInCodes
from app.tokens.local_key import open_local_key
from scripts.commands.console_link import console_command
from scripts.commands.operator_log import user_name
from tests.support.service import INTEGRATIONS, environment_with, security_line

Environment = dict[str, str | None]
LINK = re.compile(r"(?P<origin>\S+)/console/enter#(?P<code>[A-Za-z0-9_-]{43})")
LASTS: LiteralString = """
SELECT extract(epoch FROM expires_at - now())::float8 FROM integrations.console_codes
"""


@pytest.fixture
def settings(tmp_path: Path, dsn: str) -> Environment:
    open_local_key(tmp_path, create=True)
    return {
        "INTEGRATIONS_DATA_DIR": str(tmp_path),
        "INTEGRATIONS_DATABASE_URL": dsn,
        "INTEGRATIONS_JWKS": None,
    }


def run(settings: Environment, *words: str) -> Result:
    return CliRunner().invoke(console_command, ["--workspace", "demo", *words], env=settings)


def taken(dsn: str, code: str) -> str | None:
    """Return the token of *code*, as the console takes it."""

    async def take() -> str | None:
        async with open_pool(dsn, "integrations_command", size=1) as pool:
            return await SignInCodes(pool).take(code)

    return asyncio.run(take())


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


# ----- integrations console -----
def test_it_prints_a_link_that_signs_in_once_for_twelve_hours(
    settings: Environment, dsn: str
) -> None:
    printed = run(settings, "--subject", "ana", "--name", "Ana", "--role", "VIEWER")

    assert printed.exit_code == 0, printed.output
    link = LINK.fullmatch(printed.stdout.strip())
    assert link is not None
    assert link["origin"] == "http://127.0.0.1:8000"
    with psycopg.connect(dsn) as connection:
        [(seconds,)] = connection.execute(LASTS).fetchall()
    assert 500 < seconds <= 600
    claimed = claims(taken(dsn, link["code"]) or "")
    assert claimed["exp"] - claimed["iat"] == 12 * 3600
    assert [claimed[name] for name in ("sub", "name", "role", "workspaceId")] == [
        *("ana", "Ana", "VIEWER", "demo")
    ]
    assert taken(dsn, link["code"]) is None


def test_permissions_stand_in_place_of_a_role(settings: Environment, dsn: str) -> None:
    words = ["--permission", "integrations:view", "--permission", "audit:view"]
    printed = run(settings, *words)

    link = LINK.fullmatch(printed.stdout.strip())
    assert link is not None, printed.output
    claimed = claims(taken(dsn, link["code"]) or "")
    assert sorted(claimed["permissions"]) == ["audit:view", "integrations:view"]
    assert "role" not in claimed
    assert security_line(printed.stderr)["ids"]["grants"] == "audit:view integrations:view"
    assert "not both" in run(settings, *words, "--role", "VIEWER").stderr


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ({"PORT": "8123"}, "http://127.0.0.1:8123"),
        ({"HOST": "::1"}, "http://[::1]:8000"),
        ({"HOST": "::", "CONSOLE_ORIGIN": "https://a.example"}, "https://a.example"),
        ({"PORT": "0", "CONSOLE_ORIGIN": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
    ],
)
def test_the_link_has_the_address_of_the_settings(
    settings: Environment, given: dict[str, str], origin: str
) -> None:
    named = {f"INTEGRATIONS_{name}": value for name, value in given.items()}

    printed = run(settings | named)
    assert printed.stdout.startswith(f"{origin}/console/enter#")
    is_assumed = f"a service on {origin}: if yours listens elsewhere" in printed.stderr
    assert is_assumed is ("CONSOLE_ORIGIN" not in given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"CONSOLE": "off"}, "INTEGRATIONS_CONSOLE is off"),
        ({"JWKS": "https://issuer.example/jwks.json"}, "INTEGRATIONS_JWKS is set"),
        ({"PORT": "0"}, "INTEGRATIONS_PORT is 0"),
        ({"HOST": "192.0.2.1"}, "set INTEGRATIONS_CONSOLE_ORIGIN"),
        ({"DATABASE_URL": ""}, "There is no database in"),
    ],
)
def test_where_there_is_no_console_to_sign_in_to_one_line_says_so(
    settings: Environment, given: dict[str, str], says: str
) -> None:
    refused = run(settings | {f"INTEGRATIONS_{name}": value for name, value in given.items()})

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert says in str(refused.exception)
    assert "\n" not in str(refused.exception)
    assert security_line(refused.stderr)["outcome"] == "failed"


def test_who_printed_a_link_for_whom_is_a_line_without_the_code(settings: Environment) -> None:
    printed = run(settings, "--subject", "ana", "--role", "EDITOR")

    line = security_line(printed.stderr)
    assert line.pop("timestamp")
    assert line == {
        "source": "security",
        "command": "console",
        "user": user_name(),
        "ids": {"workspace": "demo", "subject": "ana", "grants": "EDITOR", "seconds": "600"},
        "outcome": "done",
        "reason": None,
        "event": "command",
        "level": "info",
    }
    assert printed.stdout.strip().rpartition("#")[2] not in printed.stderr


# ----- scripts/run -----
@contextmanager
def welcomed(data_dir: Path, **settings: str) -> Generator[tuple[list[str], dict[str, str]]]:
    """Start the service as scripts/run does; yield what it printed, and its environment."""
    environment = environment_with(data_dir=data_dir, port="0", **settings)
    with (
        (data_dir / "service.log").open("w") as log,
        subprocess.Popen(
            [*INTEGRATIONS, "serve", "--welcome"],
            env=environment, stdout=subprocess.PIPE, stderr=log, text=True,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        printed: list[str] = []
        try:
            for line in process.stdout:
                printed.append(line.rstrip())
                if line.startswith("curl "):
                    break
            yield printed, environment
        finally:
            process.terminate()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_first_start_prints_a_link_then_a_request(data_dir: Path, workers: str) -> None:
    with welcomed(data_dir, workers=workers) as (printed, environment):
        address = printed[0].removeprefix("Listening on ")
        open_line, token = printed[2], printed[6]
        request = printed[-1]
        with open_known_database(read_settings(environment)) as dsn:
            link = LINK.fullmatch(open_line.removeprefix("Open  "))
            assert link is not None, printed
            assert (link["origin"], taken(dsn, link["code"])) == (address, token)
        answer = httpx2.get(
            f"{address}/en/api/whoami", headers={"Authorization": f"Bearer {token}"}
        )
    assert answer.json()["result"]["data"]["workspaceId"] == "demo"
    assert f"{address}/en/api/integration" in request
    assert link["code"] not in (data_dir / "service.log").read_text()


def test_without_a_console_the_first_start_prints_no_link(data_dir: Path, dsn: str) -> None:
    with welcomed(data_dir, database_url=dsn, console="off") as (printed, _):
        assert not [line for line in printed if "/console/" in line]
        assert printed[-1].startswith("curl ")
