"""No secret leaves: canaries in every field and every wrong place, then a look at every byte."""

import json
import socket
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from msgspec import Struct

from app.database.embedded import open_embedded
from app.providers.registry import load_providers
from tests.canary.conftest import Canaries
from tests.support.service import Service, StartService

Database = psycopg.Connection
PATH = "/en/api/integration"
SECRETS = ("apiKey", "apiSecret", "vapidPrivateKey")
JSON = {"Content-Type": "application/json"}


class Heard(Struct, frozen=True):
    """Everything that the service answered."""

    answers: list[bytes]
    statuses: set[int]

    def hear(self, answer: httpx2.Response) -> httpx2.Response:
        """Keep *answer*, with its headers."""
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        self.answers.append(head.encode() + b"\n\n" + answer.content)
        self.statuses.add(answer.status_code)
        return answer


Ask = tuple[str, str, dict[str, Any]]
BODY = {"name": "n", "type": "SENDGRID", "channel": "EMAIL"}


def good_bodies(canaries: Canaries, public: Canaries) -> Iterator[dict[str, Any]]:
    """Yield bodies that are accepted, with canaries in each secret field of each type."""
    for type_, provider in load_providers().items():
        named = {"name": public.new(), "type": type_, "channel": provider.channel}
        yield named | {field: canaries.new() for field in SECRETS}
    yield BODY | {"apiKey": canaries.new() + "\x00\u20ac" + "k" * 8_000}


def bad_bodies(canaries: Canaries) -> Iterator[Any]:
    """Yield bodies that are refused, with canaries wherever somebody might put a secret."""
    new = canaries.new
    for field in SECRETS:
        for wrong in (new() + "x" * 9_000, [new()], {"key": new()}, {new(): 1}):
            yield BODY | {field: wrong}
    for field in ("name", "senderName", "vapidPublicKey"):
        secret = new()
        yield BODY | {field: secret + "x" * 600}
        yield BODY | {field: secret + "\x00"}
        yield BODY | {field: secret, "apiKey": secret}
        yield BODY | {field: f"-----BEGIN PRIVATE KEY-----{new()}"}
    for field in ("type", "channel", "senderEmail", "senderPhone", "isActive", "apikey"):
        yield BODY | {field: new()}
        yield BODY | {field: [{new(): new()}]}
    yield BODY | {f"SG.{new()}": 1, new() + "_" * 30: new()}
    yield [new()]
    yield new()


def wrong_places(canaries: Canaries, place: str) -> Iterator[Ask]:
    """Yield requests with canaries in paths, queries and headers; *place* is an integration's."""
    new = canaries.new
    for path in (f"{PATH}/{new()}", f"/{new()}/api/integration", f"/{new()}", f"/docs/{new()}"):
        for method in ("GET", "POST", "DELETE", "PUT", "OPTIONS"):
            yield method, path, {"json": {"apiKey": new()}}
    for path in (PATH, place, "/health/live", "/health/ready", "/docs", "/docs/openapi.json"):
        for query in (f"?apiKey={new()}", f"?{new()}{'_' * 20}=1", f"?limit={new()}&q[]={new()}"):
            yield "GET", path + query, {}
    for name in ("Authorization", "Cookie", "User-Agent", "Accept", "If-Match", "If-None-Match"):
        yield "GET", place, {"headers": {name: new()}}
    yield "GET", place, {"headers": {"Authorization": f"Bearer {new()}.{new()}.{new()}"}}
    yield "GET", place, {"headers": {"X-Request-Id": f"{new()}/"}}
    yield "GET", place, {"headers": {"X-Api-Key": new(), "Host": new()}}


def wrong_contents(canaries: Canaries) -> Iterator[Ask]:
    """Yield requests whose body is not what is asked for, and holds a canary."""
    new = canaries.new
    for type_ in ("text/plain", "application/x-www-form-urlencoded", new(), ""):
        yield "POST", PATH, {"content": f"apiKey={new()}", "headers": {"Content-Type": type_}}
    for content in (
        f'{{"apiKey": "{new()}"',
        f'{{"apiKey": "{new()}"}} x',
        new(),
        f'{{"apiKey":"{new()}","apiKey":"{new()}"}}',
        f'"{new()}"' + " " * 70_000,
    ):
        yield "POST", PATH, {"content": content, "headers": JSON}
    for bad in bad_bodies(canaries):
        yield "POST", PATH, {"json": bad}


def changes(canaries: Canaries, place: str) -> Iterator[Ask]:
    """Yield requests that change the integration at *place*, or would."""
    new = canaries.new
    for field in SECRETS:
        yield "PATCH", place, {"json": {field: new()}}
        yield "PUT", f"{place}/credentials", {"json": {field: new() + "x" * 9_000}}
        yield "PUT", f"{place}/credentials", {"json": {field: new()}}
        yield "DELETE", f"{place}x", {"json": {field: new()}}
    yield "POST", f"{place}/toggle", {"json": {"isActive": new()}}
    yield "POST", f"{place}/toggle", {"json": {"isActive": False, "apiKey": new()}}


def parser_s_refusals(service: Service, canaries: Canaries) -> Iterator[bytes]:
    """Yield what is answered to bytes that are no HTTP."""
    host, port = service.address.removeprefix("http://").split(":")
    for request in (
        f"{canaries.new()} / HTTP/1.1\r\n\r\n",
        f"GET /\x01{canaries.new()} HTTP/1.1\r\n\r\n",
        f"GET / HTTP/1.1\r\n{canaries.new()}\r\n\r\n",
        f"POST / HTTP/1.1\r\nContent-Length: {canaries.new()}\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(request.encode())
            yield b"".join(iter(lambda c=connection: c.recv(65536), b""))


@contextmanager
def broken(database: Database, breaks: str, mends: str) -> Generator[None]:
    """Break the database for a while."""
    database.execute(breaks.encode())
    try:
        yield
    finally:
        database.execute(mends.encode())


FAILURES = (
    # A unique violation, whose DETAIL repeats values, and a refused row, whose DETAIL is the row.
    (
        "CREATE UNIQUE INDEX one_a_kind ON integrations.secret_store (field)",
        "DROP INDEX integrations.one_a_kind",
        500,
    ),
    (
        "ALTER TABLE integrations.secret_store ADD CONSTRAINT no CHECK (false) NOT VALID",
        "ALTER TABLE integrations.secret_store DROP CONSTRAINT no",
        500,
    ),
    ("BEGIN; LOCK TABLE integrations.events", "ROLLBACK", 503),
)


def fail(client: httpx2.Client, database: Database, heard: Heard, canaries: Canaries) -> None:
    """Create while the database fails in several ways."""
    heard.hear(client.post(PATH, json=BODY | {"apiKey": canaries.new()}))
    # One secret stays, so that one of each kind can be and a second cannot.
    database.execute(
        "DELETE FROM integrations.secret_store s WHERE (stream, field) <>"
        " (SELECT stream, field FROM integrations.secret_store LIMIT 1)"
    )
    for breaks, mends, status in FAILURES:
        with broken(database, breaks, mends):
            secrets = {field: canaries.new() for field in SECRETS}
            answer = heard.hear(client.post(PATH, json=BODY | secrets))
        assert answer.status_code == status, answer.text


def exercise(service: Service, database: Database, canaries: Canaries, public: Canaries) -> Heard:
    """Ask for everything there is, with canaries; return what was answered."""
    heard = Heard([], set())
    with service.caller("canary") as client, service.caller("canary", "VIEWER") as viewer:
        created = [
            heard.hear(client.post(PATH, json=good)) for good in good_bodies(canaries, public)
        ]
        assert {answer.status_code for answer in created} == {201}
        places = [answer.headers["location"] for answer in created]
        heard.hear(viewer.post(PATH, json=BODY | {"apiKey": canaries.new()}))
        for method, path, more in (
            *wrong_places(canaries, places[0]),
            *wrong_contents(canaries),
            *changes(canaries, places[0]),
        ):
            heard.hear(client.request(method, path, **more))
        heard.answers.extend(parser_s_refusals(service, canaries))
        fail(client, database, heard, canaries)
        for path in (PATH, *places, "/docs", "/docs/openapi.json", "/health/ready"):
            heard.hear(client.get(path))
        for place in places[1::2]:
            heard.hear(client.delete(place))
    return heard


def test_no_canary_is_found_in_any_byte(
    start_service: StartService,
    data_dir: Path,
    make_talkative: Callable[[Database], None],
    canaries: Canaries,
    public: Canaries,
) -> None:
    with start_service(data_dir, log_level="DEBUG") as service, open_embedded(data_dir) as server:
        with psycopg.connect(server.dsn, autocommit=True) as database:
            make_talkative(database)
            heard = exercise(service, database, canaries, public)
            database.execute("CHECKPOINT")
        told = b"\n".join(heard.answers)

        assert {200, 201, 400, 401, 403, 404, 405, 413, 415, 500, 503} <= heard.statuses
        assert canaries.found_in(told) == []
        assert canaries.found_under(data_dir) == {}
        # The negative control: a name is public, and is found in answers, heap, WAL and logs.
        assert public.found_in(told) == ["raw"]
        places = public.found_under(data_dir)
        assert {spelling for found in places.values() for spelling in found} >= {"raw"}
        for part in ("/base/", "/pg_wal/", ".log"):
            assert [place for place in places if part in f"/{place}"], part
    assert canaries.found_under(data_dir) == {}  # and what the server wrote on its way out


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(4))
def test_a_canary_is_found_however_it_is_written(
    canaries: Canaries, before: int, after: int
) -> None:
    secret = b"x" * before + canaries.new().encode() + b"y" * after

    for written in (
        secret,
        json.dumps({"k": secret.decode()}).encode(),
        b64encode(secret),
        urlsafe_b64encode(json.dumps({"k": b64encode(secret).decode()}).encode()),
        urlsafe_b64encode(secret),
        secret.hex().encode(),
        secret.hex().upper().encode(),
        secret.decode().encode("utf-16-le"),
        secret.decode().encode("utf-16-be"),
    ):
        assert canaries.found_in(b"." * before + written + b"." * after)
    assert canaries.found_in(secret[:20]) == []
