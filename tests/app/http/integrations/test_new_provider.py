"""A new provider is one TOML file and no code: tests/providers/postmark.toml."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.service import StartService
from tests.support.serving import Quiet, serving

FOLDER = Path(__file__).parents[3] / "providers"
PATH = "/en/api/integration"
KEY = "5e7f0000-1111-4222-8333-444455556666"
BODY = {
    "name": "Postmark",
    "type": "POSTMARK",
    "channel": "EMAIL",
    "apiKey": KEY,
    "senderEmail": "a@example.com",
}


class Postmark(Quiet, BaseHTTPRequestHandler):
    """What Postmark's documentation says that GET /server answers."""

    def do_GET(self) -> None:
        known = self.headers.get("X-Postmark-Server-Token") == KEY and self.path == "/server"
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(b'{"ID": 1, "ApiTokens": []}' if known else b'{"ErrorCode": 10}')


@pytest.fixture(scope="module")
def postmark() -> Iterator[str]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Postmark)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def client(
    start_service: StartService,
    server_dsn: str,
    postmark: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[httpx2.Client]:
    """A client of a service that has the seventh file."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE seventh")
    with (
        start_service(
            tmp_path_factory.mktemp("seventh"),
            database_url=make_conninfo(server_dsn, dbname="seventh"),
            providers=str(FOLDER),
            provider_urls=f"POSTMARK={postmark}",
        ) as service,
        service.caller() as client,
    ):
        yield client


def test_an_integration_of_a_new_provider_is_created_without_a_warning(
    client: httpx2.Client,
) -> None:
    answer = client.post(PATH, json=BODY)

    assert answer.status_code == 201
    assert "warnings" not in answer.json()["result"]


def test_warnings_come_from_the_provider_file(client: httpx2.Client) -> None:
    answer = client.post(PATH, json=BODY | {"apiKey": "x", "senderPhone": "+15551234567"})

    warnings = answer.json()["result"]["warnings"]
    assert {(w["field"], w["code"]) for w in warnings} == {
        ("apiKey", "UNUSUAL_FORMAT"),
        ("senderPhone", "NOT_USED"),
    }


def test_a_new_provider_has_its_channel(client: httpx2.Client) -> None:
    answer = client.post(PATH, json=BODY | {"channel": "SMS"})

    assert answer.json()["result"]["details"][0]["code"] == "CHANNEL_MISMATCH"


@pytest.mark.parametrize(("key", "outcome"), [(KEY, "ok"), ("another", "invalid")])
def test_credentials_of_a_new_provider_are_checked(
    client: httpx2.Client, key: str, outcome: str
) -> None:
    created = client.post(PATH, json=BODY | {"apiKey": key}).json()["result"]["data"]

    answer = client.post(f"{PATH}/{created['id']}/check")

    assert answer.json()["result"]["data"]["outcome"] == outcome


def test_a_new_provider_is_listed_in_english_without_a_translation(
    client: httpx2.Client,
) -> None:
    types = client.get("/de/api/integration-types").json()["result"]["data"]

    (found,) = (one for one in types if one["type"] == "POSTMARK")
    assert (found["channel"], found["displayName"]) == ("EMAIL", "Postmark")
    assert found["fields"][0]["help"] == "On the server's page, under API Tokens"
    assert found["regions"] == [{"name": "Global", "host": "api.postmarkapp.com"}]


def test_a_new_provider_is_in_the_openapi_document_with_write_only_secrets(
    client: httpx2.Client,
) -> None:
    document = client.get("/docs/openapi.json").json()

    schema = document["components"]["schemas"]["CreateIntegrationBody"]["properties"]
    assert "POSTMARK" in schema["type"]["enum"]
    assert schema["apiKey"]["writeOnly"] is True
