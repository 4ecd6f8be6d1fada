"""Cross-origin access (CORS): preflights, headers, and the settings that name origins."""

from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.http.cross_origin import CrossOriginMiddleware
from app.settings import SettingsError, read_settings
from tests.support.service import Service, StartService

PATH = "/en/api/integration"
NEVER = f"{PATH}/int_01jmhbnh5sexrt0p1k7vtm4ttz"
ORIGIN = "https://app.example.com"
OTHERS = [
    *("https://evil.example", "null", "https://app.example.com:8443", "http://app.example.com"),
    *("https://app.example.com.evil.example", "https://APP.example.com", ""),
]
ASKS = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}
EXPOSED = {
    *("ETag", "Location", "X-Request-Id", "Retry-After", "Idempotency-Replayed"),
    *("Preference-Applied", "WWW-Authenticate"),
}


@pytest.fixture(scope="module")
def shared(server_dsn: str, start_service: StartService) -> Generator[Service]:
    """A service that two origins may use, and a workspace once a second."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE cross_origin")
    settings = {
        "database_url": make_conninfo(server_dsn, dbname="cross_origin"),
        "cors_origins": f"http://localhost:3000, {ORIGIN}",
        "rate_limit": "1",
        "rate_burst": "20",
    }
    with TemporaryDirectory() as folder, start_service(Path(folder), **settings) as service:
        yield service


@pytest.fixture
def page(shared: Service, workspace: str) -> Generator[httpx2.Client]:
    """What a page of ORIGIN sends: requests with a token, and with their origin."""
    with shared.caller(workspace) as client:
        client.headers["Origin"] = ORIGIN
        yield client


def names(header: str) -> set[str]:
    """Return the names in *header*, a list."""
    return set(header.split(", "))


def assert_readable(answer: httpx2.Response, origin: str = ORIGIN) -> None:
    """Check that a browser lets a page of *origin* read *answer*, and no other page."""
    headers = answer.headers
    assert headers.get_list("access-control-allow-origin") == [origin]
    assert headers.get_list("vary") == ["Origin"]
    assert "access-control-allow-credentials" not in headers
    assert names(headers["access-control-expose-headers"]) == EXPOSED


def assert_closed(answer: httpx2.Response) -> None:
    """Check that a browser lets no page read *answer*."""
    assert [name for name in answer.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
@pytest.mark.parametrize(
    "path", [PATH, NEVER, f"{NEVER}/toggle", "/health/live", "/metrics", "/en/nowhere", "/"]
)
def test_a_preflight_needs_no_token(shared: Service, origin: str, path: str) -> None:
    answer = httpx2.options(shared.address + path, headers=ASKS | {"Origin": origin})

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == origin
    assert names(answer.headers["access-control-allow-methods"]) == {
        *("GET", "POST", "PUT", "PATCH", "DELETE")
    }
    assert names(answer.headers["access-control-allow-headers"]) == {
        *("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"),
        *("Last-Event-ID", "Prefer", "X-Request-Id", "*"),
    }
    assert int(answer.headers["access-control-max-age"]) > 0
    assert answer.headers["vary"] == "Origin"
    assert "x-request-id" in answer.headers
    for absent in ("access-control-allow-credentials", "content-type", "content-length", "allow"):
        assert absent not in answer.headers


def test_a_preflight_without_a_valid_host_is_refused(page: httpx2.Client) -> None:
    answer = page.options(PATH, headers=ASKS | {"Host": "a b"})

    assert answer.status_code == 400
    assert_readable(answer)


@pytest.mark.parametrize("origin", OTHERS)
@pytest.mark.parametrize("path", [PATH, "/en/nowhere", "/health/live"])
def test_an_unknown_origin_gets_nothing(page: httpx2.Client, origin: str, path: str) -> None:
    asked = page.options(path, headers=ASKS | {"Origin": origin})
    answers = [asked, page.get(path, headers={"Origin": origin})]

    assert asked.status_code in (404, 405)
    for answer in answers:
        assert_closed(answer)
        assert answer.headers["vary"] == "Origin"


def test_two_origins_are_none(page: httpx2.Client) -> None:
    answer = page.get("/health/live", headers=[("Origin", ORIGIN), ("Origin", ORIGIN)])

    assert_closed(answer)


def test_options_without_a_question_is_no_preflight(page: httpx2.Client) -> None:
    answer = page.options(PATH)

    assert answer.status_code == 405
    assert_readable(answer)


def test_success_can_be_read(page: httpx2.Client, body: dict[str, Any]) -> None:
    created = page.post(PATH, json=body, headers={"Idempotency-Key": "k"})
    place = created.headers["Location"]
    answers = [
        *(created, page.post(PATH, json=body, headers={"Idempotency-Key": "k"})),
        *(page.get(place), page.get(place, headers={"If-None-Match": '"1"'})),
        *(page.head(place), page.delete(place), page.get("/health/ready"), page.get("/docs")),
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 200, 304, *[200] * 4]
    for answer in answers:
        assert_readable(answer)


def test_errors_can_be_read(page: httpx2.Client, body: dict[str, Any]) -> None:
    place = page.post(PATH, json=body).headers["Location"]
    answers = [
        page.get(PATH, headers={"Authorization": "Bearer x"}),
        page.get("/en/nowhere"),
        page.put(PATH),
        page.post(PATH, json={}),
        page.post(PATH, content="{}"),
        page.get(PATH, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")]),
        page.patch(place, json={"name": "m"}, headers={"If-Match": '"9"'}),
        page.post(PATH, content=b" " * 70_000, headers={"Content-Type": "application/json"}),
    ]

    assert [answer.status_code for answer in answers] == [401, 404, 405, 400, 415, 400, 412, 413]
    for answer in answers:
        assert_readable(answer)


def test_the_rate_limit_can_be_read(page: httpx2.Client) -> None:
    answers = [page.get(PATH) for _ in range(25)]

    assert answers[-1].status_code == 429
    assert_readable(answers[-1])


@pytest.mark.parametrize(
    ("method", "status"),
    [*(("GET", status) for status in (200, 401, 404, 405, 429, 500, 503)), ("TRACE", 500)],
)
async def test_whatever_the_application_answers_can_be_read(method: str, status: int) -> None:
    sent: list[Any] = []

    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def keep(message: Any) -> None:
        sent.append(message)

    asked = (b"access-control-request-method", b"GET")
    scope = {"type": "http", "method": method, "headers": [(b"origin", ORIGIN.encode()), asked]}
    await CrossOriginMiddleware(app, [ORIGIN])(scope, None, keep)

    assert sent[0]["status"] == status
    assert (b"a", b"b") in sent[0]["headers"]
    assert (b"access-control-allow-origin", ORIGIN.encode()) in sent[0]["headers"]
    assert sent[1]["body"] == b"{}"


def test_no_origin_is_known_unless_the_settings_name_some(service: Service) -> None:
    preflight = httpx2.options(service.address + PATH, headers=ASKS | {"Origin": ORIGIN})
    answer = httpx2.get(service.address + PATH, headers={"Origin": ORIGIN})

    assert preflight.status_code == 405
    for each in (preflight, answer):
        assert_closed(each)
        assert "vary" not in each.headers


# ----- Settings -----
@pytest.mark.parametrize(
    "origins",
    [
        "https://app.example.com",
        "http://localhost:3000,https://a.example , http://127.0.0.1:5173",
        "http://[::1]:3000",
        " https://a.example\n",
        "https://xn--80ak6aa92e.example",
        "http://a.example:443,https://a.example:80",
        "tauri://localhost",
        "capacitor://localhost, chrome-extension://abcdefghijklmnop",
    ],
)
def test_origins_are_taken(origins: str) -> None:
    assert read_settings({"INTEGRATIONS_CORS_ORIGINS": origins}).cors_origins == origins


@pytest.mark.parametrize(
    "origins",
    [
        *("*", "https://*.example.com", "null", "app.example.com", "https://", "https://a.example/"),
        *("https://a.example/path", "https://a.example?", "https://u@a.example", "https://a b"),
        *("HTTPS://a.example", "https://A.example", "https://ä.example", "https://a.example:443"),
        *("http://a.example:80", "https://b.example, http://a.example:80", "https://a.example:x"),
        *("https://a.example:0", "https://a.example:", "https://a.example,", ",https://a.example"),
        *("https://a.example https://b.example", "https://a.example;https://b.example"),
        "https://a.example\r\nX: y",
    ],
)  # fmt: skip
def test_what_no_browser_sends_stops_the_start(origins: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"INTEGRATIONS_CORS_ORIGINS": origins})

    assert str(refused.value) == (
        "INTEGRATIONS_CORS_ORIGINS has a wrong value; it takes origins as a browser sends them"
        " (https://app.example.com), separated by commas: no *, no path, no default port,"
        " lower case."
    )
