"""The address in the history, as real connections and real headers bring it."""

from collections.abc import Generator, Iterator
from typing import Any

import httpx2
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.service import Service, StartService, new_data_dir

PATH = "/en/api/integration"
LOOPBACK = "127.0.0.1"
Lines = list[tuple[str, str]]


@pytest.fixture(scope="module")
def proxied(start_service: StartService, server_dsn: str) -> Generator[Service]:
    """A service that trusts proxies on this machine."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE proxied_service")
    dsn = make_conninfo(server_dsn, dbname="proxied_service")
    settings = {"database_url": dsn, "trusted_proxies": "127.0.0.0/8,10.0.0.0/8"}
    with new_data_dir() as folder, start_service(folder, **settings) as running:
        yield running


@pytest.fixture
def behind_proxy(proxied: Service, workspace: str) -> Iterator[httpx2.Client]:
    """A client of the service that trusts proxies."""
    with proxied.caller(workspace) as client:
        yield client


def recorded_address(client: httpx2.Client, body: dict[str, Any], lines: Lines) -> str | None:
    """Create an integration with header *lines*; return its address in the history."""
    answer = client.post(PATH, json=body, headers=lines)
    assert answer.status_code == 201
    [entry] = client.get("/en/api/history-log").json()["result"]["data"]
    return entry["ipAddress"]


HEADERS: dict[str, Lines] = {
    "none": [],
    "an address": [("X-Forwarded-For", "198.51.100.7")],
    "a script": [("X-Forwarded-For", "<script>alert(1)</script>")],
    "60,000 characters": [("X-Forwarded-For", "a" * 60_000)],
    "other headers": [
        ("Forwarded", "for=198.51.100.7;proto=https"),
        ("X-Real-IP", "198.51.100.7"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.example"),
    ],
}


@pytest.mark.parametrize("lines", HEADERS.values(), ids=HEADERS)
def test_without_trusted_proxies_no_header_changes_the_address(
    client: httpx2.Client, body: dict[str, Any], lines: Lines
) -> None:
    assert recorded_address(client, body, lines) == LOOPBACK


TRUSTED: dict[str, tuple[Lines, str | None]] = {
    "none": ([], LOOPBACK),
    "an address": ([("X-Forwarded-For", "198.51.100.7")], "198.51.100.7"),
    "what a client wrote first": (
        [("X-Forwarded-For", "1.2.3.4, 198.51.100.7:5000, 10.1.2.3")],
        "198.51.100.7",
    ),
    "two lines": (
        [("X-Forwarded-For", "1.2.3.4"), ("x-forwarded-for", "[2001:DB8::7]:1, 10.1.2.3")],
        "2001:db8::7",
    ),
    "a script": ([("X-Forwarded-For", "<script>alert(1)</script>")], None),
    "60,000 characters": ([("X-Forwarded-For", "a" * 60_000)], None),
    "60,000 characters of proxies": ([("X-Forwarded-For", "10.1.2.3," * 6_600)], None),
    "other headers": (HEADERS["other headers"], LOOPBACK),
}


@pytest.mark.parametrize(("lines", "address"), TRUSTED.values(), ids=TRUSTED)
def test_a_trusted_proxy_names_the_address(
    behind_proxy: httpx2.Client, body: dict[str, Any], lines: Lines, address: str | None
) -> None:
    assert recorded_address(behind_proxy, body, lines) == address


def test_other_headers_of_proxies_have_no_effect(
    behind_proxy: httpx2.Client, body: dict[str, Any]
) -> None:
    answer = behind_proxy.post(PATH, json=body, headers=HEADERS["other headers"])
    assert answer.headers["location"].startswith(PATH)
    assert "evil.example" not in str(answer.headers) + answer.text
