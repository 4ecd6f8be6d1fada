"""Idempotency keys over HTTP: one event, and the first response for every repeat."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import psycopg
import pytest

from tests.support.service import Service, StartService

PATH = "/en/api/integration"
BODY = {"name": "Once", "type": "TWILIO", "channel": "SMS", "apiSecret": "short"}
KEY = {"Idempotency-Key": "6f1c5c1e-once"}


def events(service: Service, workspace: str) -> list[str]:
    with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as connection:
        query = "SELECT type FROM integrations.events WHERE workspace_id = %s ORDER BY position"
        return [type_ for (type_,) in connection.execute(query, (workspace,))]


def test_a_repeated_request_gets_the_first_response_byte_for_byte_and_records_nothing(
    service: Service,
) -> None:
    with service.caller("once-repeat") as client:
        first = client.post(PATH, json=BODY, headers=KEY)
        again = client.post(PATH, json=BODY, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for name in ("Location", "ETag", "Content-Language"):
        assert again.headers[name] == first.headers[name]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert events(service, "once-repeat") == ["IntegrationCreated"]


def test_twenty_concurrent_equal_requests_give_one_event_and_equal_responses(
    service: Service,
) -> None:
    start = threading.Barrier(20)

    def post(_: int) -> httpx2.Response:
        with service.caller("once-twenty") as client:
            start.wait()
            return client.post(PATH, json=BODY, headers=KEY)

    with ThreadPoolExecutor(20) as pool:
        answers = [*pool.map(post, range(20))]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert events(service, "once-twenty") == ["IntegrationCreated"]


@pytest.mark.parametrize("other", [{"name": "Twice"}, {"apiSecret": "other"}])
def test_another_request_with_the_same_key_is_refused(
    service: Service, other: dict[str, str]
) -> None:
    with service.caller(f"once-other-{next(iter(other))}") as client:
        client.post(PATH, json=BODY, headers=KEY)
        refused = client.post(PATH, json=BODY | other, headers=KEY)
        assert refused.status_code == 422
        assert refused.json()["result"]["error"] == "UNPROCESSABLE"
        assert client.get(PATH).json()["result"]["totalCount"] == 1


def test_every_kind_of_write_can_be_repeated(service: Service) -> None:
    with service.caller("once-kinds") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        for number, (method, path, body) in enumerate(
            [
                ("PATCH", place, {"name": "Other"}),
                ("POST", f"{place}/toggle", {"isActive": False}),
                ("PUT", f"{place}/credentials", {"apiKey": "AC-another"}),
                ("DELETE", place, None),
            ]
        ):
            headers = {"Idempotency-Key": f"kind-{number}"}
            answers = [client.request(method, path, json=body, headers=headers) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [200, 200], method
            assert answers[0].content == answers[1].content
    assert len(events(service, "once-kinds")) == 5


def test_a_request_that_changes_nothing_is_stored_with_its_key(service: Service) -> None:
    with service.caller("once-nothing") as client:
        place = client.post(PATH, json=BODY).headers["Location"]
        on, off = {"isActive": True}, {"isActive": False}
        assert client.post(f"{place}/toggle", json=on, headers=KEY).status_code == 200
        assert client.post(f"{place}/toggle", json=off, headers=KEY).status_code == 422
    assert events(service, "once-nothing") == ["IntegrationCreated"]


def test_a_key_of_one_workspace_is_unknown_in_another(service: Service) -> None:
    ids: set[str] = set()
    for workspace in ("once-a", "once-b"):
        with service.caller(workspace) as client:
            ids.add(client.post(PATH, json=BODY, headers=KEY).json()["result"]["data"]["id"])
    assert len(ids) == 2


def test_a_stored_response_expires_after_a_day(service: Service) -> None:
    expire = "UPDATE integrations.idempotent_responses SET stored_at = now() - interval '25 hours'"
    with service.caller("once-old") as client:
        client.post(PATH, json=BODY, headers=KEY)
        with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as connection:
            connection.execute(f"{expire} WHERE workspace_id = 'once-old'".encode())
        again = client.post(PATH, json=BODY, headers=KEY)
    assert "Idempotency-Replayed" not in again.headers
    assert events(service, "once-old") == ["IntegrationCreated"] * 2


def test_the_stored_response_survives_a_restart(
    start_service: StartService, data_dir: Any, dsn: str
) -> None:
    contents: list[bytes] = []
    for _ in range(2):
        with start_service(data_dir, database_url=dsn) as service, service.caller() as client:
            contents.append(client.post(PATH, json=BODY, headers=KEY).content)
    assert contents[0] == contents[1]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "ümlaut"])
def test_a_malformed_key_is_refused_and_named(service: Service, key: str) -> None:
    with service.caller("once-malformed") as client:
        headers = {b"Idempotency-Key": key.encode()}
        refused = client.post(PATH, json=BODY, headers=headers)
    assert refused.status_code == 400
    assert refused.json()["result"]["details"][0]["field"] == "Idempotency-Key"


def test_the_stored_fingerprint_is_not_a_hash_that_allows_guessing_bodies(
    service: Service,
) -> None:
    query = "SELECT fingerprint FROM integrations.idempotent_responses WHERE workspace_id = %s"
    for workspace in ("once-hash-a", "once-hash-b"):
        with service.caller(workspace) as client:
            client.post(PATH, json=BODY, headers=KEY)
    with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as connection:
        kept = [connection.execute(query, (f"once-hash-{x}",)).fetchone() for x in "ab"]
    assert all(row and row[0].startswith(b"kek-1-") and len(row[0]) == 14 + 1 + 32 for row in kept)
    assert kept[0] != kept[1]
