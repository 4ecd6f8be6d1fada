"""A link to the console has the rights of the token that asked, once, and leaves no trace."""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from app.database.pools import open_pool
from app.sign_in.sign_in_codes import SignInCodes
from tests.support.service import Service, StartService

Problem = Callable[..., dict[str, Any]]
PATH = "/en/api/console-link"
LINK = re.compile(r"(?P<origin>.+)/console/enter#(?P<code>[A-Za-z0-9_-]{43})")
TIMEOUT = 60.0  # seconds until a line is in the log


def link_in(answer: httpx2.Response) -> re.Match[str]:
    """Return origin and code of the link that *answer* has."""
    assert answer.status_code == 201, answer.text
    found = LINK.fullmatch(answer.json()["result"]["data"]["url"])
    assert found is not None
    return found


async def taken(dsn: str, code: str) -> str | None:
    """Return the token of *code*, as the console takes it."""
    async with open_pool(dsn, "integrations_command", size=1) as pool:
        return await SignInCodes(pool).take(code)


async def test_a_link_stands_for_the_token_that_asked_once(service: Service) -> None:
    dsn = service.environment["INTEGRATIONS_DATABASE_URL"]
    with service.caller("links") as client:
        asked, before = client.headers["authorization"], time.time()
        answer = client.post(PATH)
        another = client.post(PATH, headers={"Idempotency-Key": "same"})
        third = client.post(PATH, headers={"Idempotency-Key": "same"})

    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers
    result = answer.json()["result"]
    assert (result["message"], result["status"]) == ("Link created successfully", 201)
    until = datetime.fromisoformat(result["data"]["expiresAt"]).timestamp()
    assert before + 59 < until <= time.time() + 60
    link = link_in(answer)
    assert link["origin"] == service.address
    codes = {link["code"], link_in(another)["code"], link_in(third)["code"]}
    assert len(codes) == 3
    for code in codes:
        assert f"Bearer {await taken(dsn, code)}" == asked
    assert await taken(dsn, link["code"]) is None


def test_a_link_lasts_no_longer_than_its_token(
    service: Service, token_that_ends: Callable[[int], str]
) -> None:
    token = token_that_ends(20)
    with service.caller() as client:
        answer = client.post(PATH, headers={"Authorization": f"Bearer {token}"})

    until = answer.json()["result"]["data"]["expiresAt"]
    assert datetime.fromisoformat(until).timestamp() < time.time() + 21


@pytest.fixture
def token_that_ends(service: Service) -> Callable[[int], str]:
    """A token that lasts so many seconds."""
    return lambda seconds: service.token("--ttl", f"{seconds}s")


@pytest.mark.parametrize(
    "words", [("--permission", "audit:view"), ("--permission", "integrations:resolve"), ()]
)
def test_any_token_gets_a_link(service: Service, words: tuple[str, ...]) -> None:
    with service.client(*words) as client:
        link_in(client.post(PATH))


def test_without_a_token_there_is_no_link(service: Service, problem: Problem) -> None:
    with service.caller() as client:
        problem(client.post(PATH, headers={"Authorization": ""}), 401, "UNAUTHORIZED")


def test_the_messages_are_in_the_language_of_the_path(service: Service) -> None:
    with service.caller() as client:
        answer = client.post(PATH.replace("en", "de", 1))
    assert answer.json()["result"]["message"] == "Link erfolgreich erstellt"


# ----- Whose address the link has -----
@pytest.mark.parametrize("host", ["localhost:8000", "127.9.9.9", "[::1]:8000"])
def test_on_this_machine_a_link_has_the_address_of_the_request(service: Service, host: str) -> None:
    with service.caller() as client:
        assert link_in(client.post(PATH, headers={"Host": host}))["origin"] == f"http://{host}"


@pytest.mark.parametrize(
    "host", ["integrations.example", "10.0.0.1:8000", "127.0.0.1.example", "localhost.example:80"]
)
def test_another_host_gets_no_link_by_http(service: Service, problem: Problem, host: str) -> None:
    with service.caller() as client:
        refused = problem(client.post(PATH, headers={"Host": host}), 400, "VALIDATION_ERROR")

    [detail] = refused["details"]
    assert (detail["field"], detail["code"]) == ("Host", "INVALID_HEADER")
    assert "INTEGRATIONS_CONSOLE_ORIGIN" in detail["message"]


def test_where_the_origin_is_set_each_link_has_it(
    dsn: str, data_dir: Path, start_service: StartService
) -> None:
    origin = "https://integrations.example:8443"
    started = start_service(data_dir, database_url=dsn, console_origin=origin, host="127.0.0.1")
    with started as service, service.caller() as client:
        for host in ("127.0.0.1:8000", "evil.example"):
            assert link_in(client.post(PATH, headers={"Host": host}))["origin"] == origin


def test_with_the_console_off_there_are_no_links(
    dsn: str, data_dir: Path, start_service: StartService, problem: Problem
) -> None:
    started = start_service(data_dir, database_url=dsn, console="off")
    with started as service, service.caller() as client:
        problem(client.post(PATH), 404, "NOT_FOUND")


# ----- No trace -----
def test_only_the_response_has_the_code_and_the_security_log_says_who_got_it(
    dsn: str, data_dir: Path, start_service: StartService
) -> None:
    with start_service(data_dir, database_url=dsn, log_level="DEBUG") as service:
        with service.caller("traces") as client:
            answer = client.post(PATH)
            scraped = client.get("/metrics").text
        code, token = link_in(answer)["code"], client.headers["authorization"].split()[1]
        line = issued_line(service, answer.headers["x-request-id"])
    with psycopg.connect(dsn) as connection:
        stored = str(connection.execute("TABLE integrations.console_codes").fetchall())

    assert line | {"timestamp": ""} == {
        "source": "security",
        "status": None,
        "reason": None,
        "permission": None,
        "method": "POST",
        "route": "/{locale}/api/console-link",
        "subject": "t",
        "workspace": "traces",
        "address": "127.0.0.1",
        "request_id": answer.headers["x-request-id"],
        "event": "issued",
        "level": "info",
        "timestamp": "",
    }
    seen = (service.log_file.read_text(), scraped, stored, str(answer.headers))
    assert not any(secret in text for text in seen for secret in (code, token))


def issued_line(service: Service, request_id: str) -> dict[str, Any]:
    """Return the line of the security log about the request, once the access log has its own."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        found = service.log_file.read_bytes().split(b"\n")[:-1]
        lines = [json.loads(line) for line in found if request_id.encode() in line]
        if "access" in [line["source"] for line in lines]:
            [line] = [line for line in lines if line["source"] == "security"]
            return line
        time.sleep(0.01)
    pytest.fail("there is no line")
