"""An operator's own file with senders, ids of senders and settings works through the whole house.

tests/providers/example_sms.toml; tests/providers/postmark.toml needs none of these.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.service import StartService
from tests.support.serving import Quiet, serving

Problem = Callable[..., dict[str, Any]]
FOLDER = Path(__file__).parents[3] / "providers"
PATH = "/en/api/integration"
SECRET = "5ec2e7" + "0" * 14
BODY = {"name": "Shop", "type": "EXAMPLE_SMS", "channel": "SMS", "senderPhone": "ACME"}
MAIN = BODY | {"apiKey": "MK00000001", "apiSecret": SECRET}
OF_PROJECT = MAIN | {"apiKey": "PK00000001"}


class Provider(ThreadingHTTPServer):
    """Example SMS: it knows one secret, in the region that is asked last."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.refusals = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(Quiet, BaseHTTPRequestHandler):
    server: Provider  # pyright: ignore[reportIncompatibleVariableOverride] — it serves no other

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["X-Stream"]))
        pair = b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        self.server.refusals -= 1
        known = pair.endswith(":" + SECRET) and self.server.refusals < 0
        self.send_response(200 if known else 401)
        self.end_headers()
        found = {"project": "p"} if self.path.startswith("/projects/") else {"active": "yes"}
        self.wfile.write(json.dumps(found if known else {"error": "Bad key."}).encode())


@pytest.fixture(scope="module")
def any_provider() -> Iterator[Provider]:
    with serving(Provider()) as provider:
        yield provider


@pytest.fixture
def provider(any_provider: Provider) -> Provider:
    any_provider.asked.clear()
    any_provider.refusals = 0
    return any_provider


@pytest.fixture(scope="module")
def client(
    start_service: StartService,
    server_dsn: str,
    any_provider: Provider,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx2.Client]:
    """A client of a service with the operator's folder."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE own_provider")
    with (
        start_service(
            tmp_path_factory.mktemp("own"),
            database_url=make_conninfo(server_dsn, dbname="own_provider"),
            providers=str(FOLDER),
            provider_urls=f"EXAMPLE_SMS={any_provider.url}",
        ) as service,
        service.caller() as client,
    ):
        yield client


def created(client: httpx2.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(PATH, json=body)
    assert (answer.status_code, "warnings" in answer.json()["result"]) == (201, False), answer.text
    return answer.json()["result"]["data"]


def check(client: httpx2.Client, id_: str) -> tuple[str, str, str | None]:
    data = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]
    return data["outcome"], data["detail"], data.get("region")


@pytest.mark.parametrize("sender", ["ACME", "Shop & Co", "1st-aid", "PN123456789012"])
def test_its_kinds_and_ids_of_senders_are_taken(client: httpx2.Client, sender: str) -> None:
    assert created(client, MAIN | {"senderPhone": sender})["senderPhone"] == sender


@pytest.mark.parametrize(
    ("sender", "code"),
    [
        ("+15551234567", "NOT_ALLOWED"),
        ("12345", "NOT_ALLOWED"),
        ("whatsapp:+14155238886", "NOT_ALLOWED"),
        ("MG" + "0" * 32, "NOT_ALLOWED"),  # an id of another provider's
        ("PN1234567890123", "INVALID_PHONE"),
        ("twelve chars", "INVALID_PHONE"),
    ],
)
def test_others_are_refused_by_name(
    client: httpx2.Client, problem: Problem, sender: str, code: str
) -> None:
    place = f"{PATH}/{created(client, MAIN)['id']}"
    for answer in (
        client.post(PATH, json=MAIN | {"senderPhone": sender}),
        client.patch(place, json={"senderPhone": sender}),
    ):
        (detail,) = problem(answer, 400, "VALIDATION_ERROR")["details"]
        assert (detail["field"], detail["code"]) == ("senderPhone", code)
        assert code != "NOT_ALLOWED" or detail["message"].endswith(": ACME, pool (PN…)")


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"region": "EAST"}, "settings.region"),
        ({"project": "Shop"}, "settings.project"),
        ({"stream": ""}, "settings.stream"),
        ({"accountSid": "AC" + "0" * 32}, "settings.accountSid"),
    ],
)
def test_settings_that_it_does_not_know_are_refused(
    client: httpx2.Client, problem: Problem, settings: dict[str, str], wrong: str
) -> None:
    refused = client.post(PATH, json=OF_PROJECT | {"settings": settings})

    assert wrong in {d["field"] for d in problem(refused, 400, "VALIDATION_ERROR")["details"]}


def test_a_setting_that_a_key_needs_is_a_warning_and_then_named_by_the_check(
    client: httpx2.Client, provider: Provider
) -> None:
    result = client.post(PATH, json=OF_PROJECT).json()["result"]
    warned = [(w["field"], w["code"]) for w in result["warnings"]]
    place = f"{PATH}/{result['data']['id']}"

    lacking = check(client, result["data"]["id"])
    client.patch(place, json={"settings": {"project": "shop", "stream": "alerts"}})
    complete = check(client, result["data"]["id"])

    assert warned == [("settings.project", "SETTING_MISSING")]
    assert lacking == ("inconclusive", "This is missing: settings.project", None)
    assert complete == ("ok", "The provider accepts the credentials", "NORTH")
    assert provider.asked == [("/projects/shop", "alerts")]
    history = client.get(f"{place}/history").json()["result"]["data"]
    (change,) = (entry for entry in history if entry["action"] == "INTEGRATION_UPDATED")
    assert change["details"]["changes"]["settings"]["to"] == {"project": "shop", "stream": "alerts"}


@pytest.mark.parametrize(
    ("region", "refusals", "found"),
    [
        ("SOUTH", 0, ("ok", "SOUTH", 1)),
        ("NORTH", 1, ("invalid", None, 1)),
        (None, 1, ("ok", "SOUTH", 2)),
        (None, 2, ("invalid", None, 2)),
    ],
)
def test_its_regions_are_asked(
    client: httpx2.Client,
    provider: Provider,
    region: str | None,
    refusals: int,
    found: tuple[str, str | None, int],
) -> None:
    settings = {"region": region} if region else None
    id_ = created(client, MAIN | {"settings": settings})["id"]
    provider.refusals = refusals

    outcome, _, known_in = check(client, id_)

    assert (outcome, known_in, len(provider.asked)) == found
    assert {*provider.asked} == {("/account", None)}


def test_its_type_shows_all_of_it(client: httpx2.Client) -> None:
    types = client.get("/en/api/integration-types").json()["result"]["data"]
    (shown,) = (one for one in types if one["type"] == "EXAMPLE_SMS")
    document = json.dumps(client.get("/docs/openapi.json").json())

    assert shown["senders"] == ["alphanumeric", "pool"]
    assert [(s["name"], s.get("choices")) for s in shown["settings"]] == [
        ("region", ["NORTH", "SOUTH"]),
        ("project", None),
        ("stream", None),
    ]
    assert [region["host"] for region in shown["regions"]] == [
        "north.example.com",
        "south.example.com",
    ]
    assert "EXAMPLE_SMS: NORTH, SOUTH" in document
