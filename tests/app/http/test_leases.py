"""Leases (docs/workers.md): who gets what, sealed to whom, and what is refused."""

import json
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import jwt
import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from jwt.algorithms import OKPAlgorithm

from app.secrets.lease import SUITE_NAME
from app.tokens.principal import RESOLVE
from tests.support.private_keys import SPELLINGS, make_key
from tests.support.service import Service
from tests.support.worker import Worker, claims_of, client_with

Problem = Callable[..., dict[str, Any]]
PATH = "/en/api/integration"
JOURNAL = "/en/api/integration-accesses"
FCM = "FIREBASE_FCM"
SECRET = "SG.a-key-that-nobody-may-see"  # noqa: S105 — of no provider


@pytest.fixture
def integration(client: httpx2.Client, body: dict[str, Any]) -> str:
    created = client.post(PATH, json={**body, "apiKey": SECRET})
    return created.json()["result"]["data"]["id"]


def accesses(client: httpx2.Client, **query: Any) -> list[dict[str, Any]]:
    return client.get(JOURNAL, params=query).json()["result"]["data"]


# ----- Granted -----
def test_a_lease_opens_with_the_worker_s_key_and_holds_all_that_sending_needs(
    worker: Worker, integration: str
) -> None:
    response = worker.lease(integration)

    assert worker.open(response) == {
        "type": "SENDGRID", "channel": "EMAIL", "senderEmail": "a@example.com", "senderName": None,
        "senderPhone": None, "vapidPublicKey": None, "apiKey": SECRET,
    }  # fmt: skip


def test_a_lease_says_what_it_is_of_and_until_when(worker: Worker, integration: str) -> None:
    response = worker.lease(integration)

    lease = response.json()["result"]["data"]
    claims = claims_of(response)
    header = jwt.get_unverified_header(lease["lease"])
    assert (header["alg"], header["typ"]) == ("EdDSA", "lease+jwt")
    assert response.headers["etag"] == '"1"'
    assert response.headers["cache-control"] == "no-store"
    assert (lease["integrationId"], lease["version"]) == (integration, 1)
    assert lease["leaseSeconds"] == claims["exp"] - claims["iat"] == 300
    assert claims["aud"] == f"urn:ietf:params:oauth:jwk-thumbprint:sha-256:{worker.thumbprint}"
    assert (claims["sub"], claims["workspaceId"]) == ("worker-1", worker.workspace)
    assert claims["credentials"] == [{"field": "apiKey", "version": 1}]
    assert claims["suite"] == SUITE_NAME
    assert claims["jti"] == response.headers["x-request-id"]


def test_a_lease_is_signed_by_the_lease_key(
    worker: Worker, integration: str, client: httpx2.Client
) -> None:
    token = worker.lease(integration).json()["result"]["data"]["lease"]
    [shown] = client.get("/en/api/lease-keys").json()["result"]["data"]

    key = OKPAlgorithm.from_jwk(json.dumps(shown))

    jwt.decode(token, key, algorithms=["EdDSA"], options={"verify_aud": False})  # pyright: ignore[reportArgumentType] — a public key
    assert jwt.get_unverified_header(token)["kid"] == shown["kid"]


@pytest.mark.parametrize(
    ("permission", "status"),
    [("integrations:view", 200), ("integrations:resolve", 200), ("audit:view", 403)],
)
def test_who_may_view_or_lease_sees_the_lease_key(
    service: Service, workspace: str, permission: str, status: int
) -> None:
    with service.client("--permission", permission, workspace=workspace) as caller:
        assert caller.get("/en/api/lease-keys").status_code == status


def test_only_the_worker_s_key_opens_it(
    worker: Worker, integration: str, service: Service, workspace: str
) -> None:
    stranger = Worker(service, workspace)
    response = worker.lease(integration)

    assert SECRET.encode() not in response.content
    with stranger.client, pytest.raises((InvalidTag, ValueError)):
        stranger.open(response)


def test_a_rotation_is_in_the_next_lease(
    worker: Worker, integration: str, client: httpx2.Client
) -> None:
    client.put(f"{PATH}/{integration}/credentials", json={"apiKey": "SG.the-next-key-of-all"})

    response = worker.lease(integration)

    assert worker.open(response)["apiKey"] == "SG.the-next-key-of-all"
    assert claims_of(response)["credentials"] == [{"field": "apiKey", "version": 2}]


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"region": "IE1"}, "https://api.dublin.ie1.twilio.com"),
        (None, None),
    ],
    ids=["the region that is set", "unknown: several regions, and no check yet"],
)
def test_a_lease_names_the_provider_s_address(
    worker: Worker, client: httpx2.Client, settings: dict[str, str] | None, url: str | None
) -> None:
    body = {"name": "SMS", "type": "TWILIO", "channel": "SMS", "settings": settings}
    created = client.post(PATH, json=body).json()["result"]["data"]

    assert worker.open(worker.lease(created["id"])).get("baseUrl") == url


def test_a_pasted_service_account_is_leased_as_plain_json(
    worker: Worker, client: httpx2.Client, service_account: dict[str, str]
) -> None:
    pasted = {"apiKey": b64encode(json.dumps(service_account).encode()).decode()}
    created = client.post(PATH, json={"name": "n", "type": FCM, "channel": "PUSH", **pasted})
    address = f"{PATH}/{created.json()['result']['data']['id']}"

    again = client.put(f"{address}/credentials", json=pasted)

    leased = worker.open(worker.lease(created.json()["result"]["data"]["id"]))
    assert json.loads(leased["apiKey"]) == service_account
    assert again.headers["etag"] == created.headers["etag"]  # the same, so nothing is recorded


@pytest.mark.parametrize("written", ["{}", "{}=", "standard", "standard="])
def test_a_private_vapid_key_is_leased_in_base64url_without_padding(
    worker: Worker, client: httpx2.Client, written: str
) -> None:
    key = "-_" + SPELLINGS["base64url"](make_key(1))[2:]
    pasted = {"vapidPrivateKey": written.replace("standard", f"+/{key[2:]}").format(key)}
    body = {"name": "n", "type": "WEB_PUSH", "channel": "PUSH", **pasted}
    created = client.post(PATH, json=body).json()["result"]
    address = f"{PATH}/{created['data']['id']}/credentials"

    tags = {client.put(address, json=each).headers["etag"] for each in (pasted, pasted)}

    leased = worker.open(worker.lease(created["data"]["id"]))
    assert leased["vapidPrivateKey"] == key
    assert "warnings" not in created
    assert tags == {'"1"'}  # the same, so nothing is recorded


# ----- Refused -----
@pytest.mark.parametrize("role", ["ADMIN", "EDITOR", "VIEWER"])
def test_no_role_may_lease(
    service: Service, workspace: str, integration: str, problem: Problem, role: str
) -> None:
    with service.caller(workspace, role=role) as person:
        problem(person.post(f"{PATH}/{integration}/lease"), 403, "FORBIDDEN")


def test_without_a_recipient_there_is_no_lease(
    service: Service, workspace: str, integration: str, problem: Problem, client: httpx2.Client
) -> None:
    with client_with(service, workspaceId=workspace, permissions=[RESOLVE]) as keyless:
        problem(keyless.post(f"{PATH}/{integration}/lease"), 403, "RECIPIENT_REQUIRED")

    assert [entry["outcome"] for entry in accesses(client)] == ["RECIPIENT_REQUIRED"]


def test_what_is_switched_off_is_not_leased(
    worker: Worker, integration: str, client: httpx2.Client, problem: Problem
) -> None:
    client.post(f"{PATH}/{integration}/toggle", json={"isActive": False})

    problem(worker.lease(integration), 409, "INTEGRATION_INACTIVE")

    [entry] = accesses(client)
    assert (entry["outcome"], entry["credentials"]) == ("INTEGRATION_INACTIVE", [])


def test_what_is_not_there_is_404_and_not_recorded(
    worker: Worker, integration: str, service: Service, client: httpx2.Client, problem: Problem
) -> None:
    elsewhere = Worker(service, f"{worker.workspace}-2")
    with elsewhere.client:
        problem(elsewhere.lease(integration), 404, "NOT_FOUND")
    problem(worker.lease("int_1"), 404, "NOT_FOUND")
    client.delete(f"{PATH}/{integration}")
    problem(worker.lease(integration), 404, "NOT_FOUND")

    assert accesses(client) == []


@pytest.mark.parametrize("purpose", ["", "a b", "x" * 65, "zwölf", "a/b"])
def test_a_purpose_is_a_plain_word(
    worker: Worker, integration: str, problem: Problem, purpose: str
) -> None:
    result = problem(worker.lease(integration, json={"purpose": purpose}), 400, "VALIDATION_ERROR")

    assert [detail["field"] for detail in result["details"]] == ["purpose"]


def test_a_lease_is_no_access_token_and_an_access_token_no_lease(
    worker: Worker, integration: str, problem: Problem
) -> None:
    lease = worker.lease(integration).json()["result"]["data"]["lease"]

    refused = worker.client.get(PATH, headers={"Authorization": f"Bearer {lease}"})

    problem(refused, 401, "UNAUTHORIZED")


def test_an_idempotency_key_stores_nothing(worker: Worker, integration: str) -> None:
    headers = {"Idempotency-Key": "once"}

    first, second = (worker.lease(integration, headers=headers) for _ in range(2))

    assert claims_of(first)["sealed"] != claims_of(second)["sealed"]
    assert "idempotency-replayed" not in second.headers


# ----- Recorded -----
def test_a_lease_is_recorded_once_a_minute(
    worker: Worker, integration: str, client: httpx2.Client
) -> None:
    with ThreadPoolExecutor(8) as threads:
        responses = [*threads.map(worker.lease, [integration] * 24)]

    assert {response.status_code for response in responses} == {200}
    entries = accesses(client)
    assert len(entries) in (1, 2)  # 2 where a minute ends in between
    assert entries[-1] == {
        "id": f"access:{entries[-1]['position']}",
        "integrationId": integration,
        "actor": {"id": "worker-1", "name": None},
        "recipient": worker.thumbprint,
        "credentials": [{"field": "apiKey", "version": 1}],
        "version": 1,
        "purpose": None,
        "outcome": "GRANTED",
        "ipAddress": "127.0.0.1",
        "requestId": entries[-1]["requestId"],
        "position": entries[-1]["position"],
        "createdAt": entries[-1]["createdAt"],
    }


def test_another_purpose_and_another_version_are_records_of_their_own(
    worker: Worker, integration: str, client: httpx2.Client
) -> None:
    worker.lease(integration, json={"purpose": "campaign:1"})
    worker.lease(integration, json={"purpose": "campaign:2"})
    client.put(f"{PATH}/{integration}/credentials", json={"apiKey": "SG.the-next-key-of-all"})
    worker.lease(integration, json={"purpose": "campaign:2"})

    assert [(e["purpose"], e["credentials"][0]["version"]) for e in accesses(client)] == [
        ("campaign:2", 2), ("campaign:2", 1), ("campaign:1", 1),
    ]  # fmt: skip


def test_the_journal_answers_who_could_have_had_a_version(
    worker: Worker, integration: str, client: httpx2.Client
) -> None:
    worker.lease(integration)
    client.put(f"{PATH}/{integration}/credentials", json={"apiKey": "SG.the-next-key-of-all"})
    worker.lease(integration)

    of_first = accesses(client, integrationId=integration, field="apiKey", credentialVersion=1)
    of_other = accesses(client, integrationId=integration, field="apiSecret")
    by_other = accesses(client, actorId="worker-2")
    before = accesses(client, endDate="2020-01-01")

    assert [entry["credentials"] for entry in of_first] == [[{"field": "apiKey", "version": 1}]]
    assert of_other == by_other == before == []


def test_the_journal_comes_in_pages(
    worker: Worker, integration: str, client: httpx2.Client
) -> None:
    for number in range(3):
        worker.lease(integration, json={"purpose": f"p{number}"})
    path = f"{PATH}/{integration}/accesses"

    first = client.get(path, params={"limit": 2}).json()["result"]
    second = client.get(path, params={"limit": 2, "cursor": first["nextCursor"]}).json()["result"]

    assert [entry["purpose"] for entry in first["data"] + second["data"]] == ["p2", "p1", "p0"]
    assert "nextCursor" not in second


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"field": "senderEmail"}, "field"),
        ({"credentialVersion": "0"}, "credentialVersion"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": "0"}, "limit"),
    ],
)
def test_wrong_parameters_of_the_journal_are_400(
    client: httpx2.Client, problem: Problem, query: dict[str, str], field: str
) -> None:
    result = problem(client.get(JOURNAL, params=query), 400, "VALIDATION_ERROR")

    assert [detail["field"] for detail in result["details"]] == [field]


def test_only_auditors_read_the_journal(
    worker: Worker, service: Service, workspace: str, problem: Problem
) -> None:
    with service.caller(workspace, role="VIEWER") as viewer:
        problem(viewer.get(JOURNAL), 403, "FORBIDDEN")
    problem(worker.client.get(JOURNAL), 403, "FORBIDDEN")


def test_a_secret_that_does_not_open_is_named_in_the_operator_s_log_alone(
    worker: Worker, integration: str, service: Service, problem: Problem
) -> None:
    with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as connection:
        connection.execute(
            "UPDATE integrations.secret_store SET ciphertext = 'x' WHERE stream = %s",
            (integration,),
        )

    problem(worker.lease(integration), 409, "CONFLICT")

    written = service.log_file.read_text()
    assert f"apiKey (version 1) of integration {integration}" in written
    assert SECRET not in written
