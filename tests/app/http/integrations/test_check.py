"""POST …/check over real HTTP: outcome, event, history, and nothing of the provider's response."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from app.database.database import open_database
from app.settings import read_settings
from tests.support.any_provider import CANARY, SENDGRID_REFUSES, Provider
from tests.support.checks import PATH, SENDGRID, TWILIO, created
from tests.support.service import Service

Problem = Callable[..., dict[str, Any]]


@pytest.fixture
def client(checking_service: Service, workspace: str) -> Iterator[httpx2.Client]:
    with checking_service.caller(workspace) as client:
        yield client


def test_a_check_returns_the_verdict_of_the_provider(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)

    answer = client.post(f"{PATH}/{id_}/check")

    result = answer.json()["result"]
    assert (answer.status_code, list(result)) == (200, ["data", "message", "status"])
    assert (result["message"], result["status"]) == ("Check completed", 200)
    assert list(result["data"]) == ["outcome", "detail", "checkedAt", "latencyMs", "region"]
    assert (result["data"]["outcome"], result["data"]["region"]) == ("ok", "GLOBAL")
    assert result["data"]["detail"] == "The provider accepts the credentials"
    assert provider.requests == 1


def test_a_check_is_recorded_and_changes_nothing_else(
    client: httpx2.Client, provider: Provider
) -> None:
    provider.say(401, SENDGRID_REFUSES)
    id_ = created(client, SENDGRID)
    before = client.get(f"{PATH}/{id_}").json()["result"]["data"]

    client.post(f"{PATH}/{id_}/check")

    assert client.get(f"{PATH}/{id_}").json()["result"]["data"] == before
    entry = client.get(f"{PATH}/{id_}/history").json()["result"]["data"][0]
    assert entry["action"] == "CREDENTIALS_CHECKED"
    assert entry["details"]["outcome"] == "invalid"
    assert entry["details"]["detail"].startswith("The provider does not know the key: ")
    assert isinstance(entry["details"]["latencyMs"], int)
    assert "region" not in entry["details"]


def test_the_region_that_knows_the_key_is_recorded(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)

    client.post(f"{PATH}/{id_}/check")

    entry = client.get(f"{PATH}/{id_}/history").json()["result"]["data"][0]
    assert entry["details"]["region"] == "GLOBAL"
    assert provider.requests == 1


def test_the_detail_is_translated_and_stored_in_english(
    client: httpx2.Client, provider: Provider
) -> None:
    provider.say(503, {})
    id_ = created(client, SENDGRID)

    answer = client.post(f"/de/api/integration/{id_}/check")

    data = answer.json()["result"]["data"]
    assert data["detail"] == "Der Anbieter hat selbst eine Störung (Status 503)"
    assert answer.headers["content-language"] == "de"
    entry = client.get(f"{PATH}/{id_}/history").json()["result"]["data"][0]
    assert entry["details"]["detail"] == "The provider has a failure of its own (status 503)"


def test_missing_credentials_are_named_and_not_blamed(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, {**TWILIO, "apiKey": None, "apiSecret": None})

    data = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]

    assert data["outcome"] == "inconclusive"
    assert data["detail"] == "This is missing: apiKey, apiSecret"
    assert provider.requests == 0


def test_the_newest_credentials_are_checked(client: httpx2.Client, provider: Provider) -> None:
    id_ = created(client, {**SENDGRID, "apiKey": None})
    client.put(f"{PATH}/{id_}/credentials", json={"apiKey": SENDGRID["apiKey"]})

    assert client.post(f"{PATH}/{id_}/check").json()["result"]["data"]["outcome"] == "ok"
    assert provider.requests == 1


@pytest.mark.parametrize("written", ["{}", 'VAPID_PUBLIC_KEY="{}"'])
@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"contact": "mailto:push@example.com"}, ""),
        (None, "; without settings.contact some push services refuse messages"),
    ],
)
def test_a_vapid_pair_is_checked_with_its_public_key(
    client: httpx2.Client, settings: dict[str, str] | None, hint: str, written: str
) -> None:
    public = (
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
    )
    pair = {
        "vapidPublicKey": written.format(public),
        "vapidPrivateKey": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
    }
    web_push = {"name": "w", "type": "WEB_PUSH", "channel": "PUSH", "settings": settings}
    id_ = created(client, {**web_push, **pair})

    data = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]

    detail = f"The two VAPID keys belong together{hint}"
    assert (data["outcome"], data["detail"]) == ("ok", detail)


def test_a_repeated_request_gets_the_first_response_without_a_check(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)
    key = {"Idempotency-Key": "check-once"}

    first = client.post(f"{PATH}/{id_}/check", headers=key)
    provider.say(401, {"errors": []})
    again = client.post(f"{PATH}/{id_}/check", headers=key)

    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert provider.requests == 1


def test_a_viewer_may_not_check(
    checking_service: Service, client: httpx2.Client, workspace: str, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)

    with checking_service.caller(workspace, role="VIEWER") as viewer:
        answer = viewer.post(f"{PATH}/{id_}/check")

    assert (answer.status_code, provider.requests) == (403, 0)


def test_an_integration_of_another_workspace_is_not_found(
    checking_service: Service, client: httpx2.Client, provider: Provider, problem: Problem
) -> None:
    with checking_service.caller("another-workspace") as other:
        foreign = created(other, SENDGRID)
    deleted = created(client, SENDGRID)
    client.delete(f"{PATH}/{deleted}")

    for id_ in (foreign, deleted, "int_00000000000000000000000000", "no-id"):
        problem(client.post(f"{PATH}/{id_}/check"), 404, "NOT_FOUND")
    assert provider.requests == 0


def test_credentials_that_cannot_be_unsealed_are_inconclusive_and_logged(
    checking_service: Service, client: httpx2.Client, workspace: str, provider: Provider
) -> None:
    first, second = created(client, SENDGRID), created(client, SENDGRID)
    with psycopg.connect(embedded_dsn(checking_service)) as admin:
        admin.execute(  # what a thief of the database could do: another's row in its place
            "UPDATE integrations.secret_store mine SET ciphertext = theirs.ciphertext,"
            " nonce = theirs.nonce, wrapped_key = theirs.wrapped_key"
            " FROM integrations.secret_store theirs"
            " WHERE mine.stream = %s AND theirs.stream = %s",
            (first, second),
        )
        admin.execute("DELETE FROM integrations.secret_store WHERE stream = %s", (second,))

    found = [client.post(f"{PATH}/{id_}/check") for id_ in (first, second)]

    assert [answer.json()["result"]["data"]["outcome"] for answer in found] == ["inconclusive"] * 2
    assert provider.requests == 0
    log = checking_service.log_file.read_text()
    for id_ in (first, second):
        assert f"apiKey (version 1) of integration {id_} in workspace {workspace}" in log
        client.put(f"{PATH}/{id_}/credentials", json={"apiKey": SENDGRID["apiKey"]})
        [stored] = client.get(f"{PATH}/{id_}/credentials").json()["result"]["data"]["credentials"]
        assert stored["version"] == 2  # what does not open is replaced by the same, too


def embedded_dsn(service: Service) -> str:
    with open_database(read_settings(service.environment)) as dsn:
        return dsn


def test_neither_key_nor_provider_response_is_stored(
    checking_service: Service, client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, TWILIO)
    secret = TWILIO["apiSecret"]
    full = {"auth_token": secret, "friendly_name": CANARY, "sid": CANARY}
    shown: list[str] = []
    for status, content in (
        (200, {**full, "status": "active"}),
        (200, {**full, "status": CANARY}),
        (401, {"code": 20003, "message": CANARY, "more_info": secret}),
        (500, full),
        (302, CANARY),
    ):
        provider.say(status, content)
        answer = client.post(f"{PATH}/{id_}/check", headers={"Idempotency-Key": f"c{status}"})
        shown.append(answer.text + str(answer.headers))
    shown.append(client.get(f"{PATH}/{id_}/history").text)
    with psycopg.connect(embedded_dsn(checking_service), autocommit=True) as admin:
        admin.execute("CHECKPOINT")

    kept = [
        file.read_bytes()
        for file in Path(checking_service.environment["INTEGRATIONS_DATA_DIR"]).rglob("*")
        if file.is_file()
    ]

    assert any(id_.encode() in content for content in kept)  # the search finds what is there
    # The second under the key c200 is a replay; after each of the others, two more regions.
    assert provider.requests == 10
    for canary in (CANARY, secret):
        forms = (
            canary,
            base64.b64encode(canary.encode()).decode().rstrip("="),
            canary.encode().hex(),
        )
        for form in forms:
            assert form not in "".join(shown)
            assert not any(form.encode() in content for content in kept)


# ----- API keys and regions -----
ACCOUNT = "AC" + "0" * 32
API_KEY = TWILIO | {"apiKey": "SK" + "2" * 32, "apiSecret": "aB3" * 10 + "xy"}
NUMBERS = {"incoming_phone_numbers": [{"phone_number": CANARY}]}
NUMBERS_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json?PageSize=1"


@pytest.mark.parametrize("region", ["US1", "IE1", "AU1"])
def test_an_api_key_works_in_the_region_of_its_settings(
    client: httpx2.Client, provider: Provider, region: str
) -> None:
    provider.say(200, NUMBERS)
    id_ = created(client, API_KEY | {"settings": {"accountSid": ACCOUNT, "region": region}})

    answer = client.post(f"{PATH}/{id_}/check")

    data = answer.json()["result"]["data"]
    assert (data["outcome"], data["region"]) == ("ok", region)
    assert provider.paths == [NUMBERS_PATH]
    assert CANARY not in answer.text + client.get(f"{PATH}/{id_}/history").text


@pytest.mark.parametrize(("refusals", "region"), [(0, "US1"), (1, "IE1"), (2, "AU1")])
def test_without_a_region_all_are_asked_until_one_accepts_the_key(
    client: httpx2.Client, provider: Provider, refusals: int, region: str
) -> None:
    provider.say(200, NUMBERS)
    provider.refusals = refusals
    id_ = created(client, API_KEY | {"settings": {"accountSid": ACCOUNT}})

    data = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]

    assert (data["outcome"], data["region"], provider.requests) == ("ok", region, refusals + 1)


def test_an_api_key_without_its_account_is_said_to_lack_it_until_it_is_set(
    client: httpx2.Client, provider: Provider
) -> None:
    provider.say(200, NUMBERS)
    id_ = created(client, API_KEY)

    lacking = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]
    asked = provider.requests
    client.patch(f"{PATH}/{id_}", json={"settings": {"accountSid": ACCOUNT, "region": "AU1"}})
    complete = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]

    assert (lacking["outcome"], lacking["detail"], asked) == (
        "inconclusive",
        "This is missing: settings.accountSid",
        0,
    )
    assert (complete["outcome"], complete["region"], provider.requests) == ("ok", "AU1", 1)
