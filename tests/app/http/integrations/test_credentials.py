"""GET …/credentials: what is stored of secrets, for all who may view, and never what they are."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.support.service import Service

Problem = Callable[..., dict[str, Any]]
Body = dict[str, Any]
PATH = "/en/api/integration"
SECRET = "canary-of-the-secret-1f0e"  # noqa: S105 — nobody's
SHORT_PUBLIC_KEY = "BDc02nCUlYCQGFwAht7r4Jpq9pAMiS2M"
TYPES: dict[str, tuple[str, list[str]]] = {
    "SENDGRID": ("EMAIL", ["apiKey"]),
    "ELASTIC_EMAIL": ("EMAIL", ["apiKey"]),
    "TWILIO": ("SMS", ["apiKey", "apiSecret"]),
    "NEXMO": ("SMS", ["apiKey", "apiSecret"]),
    "WEB_PUSH": ("PUSH", ["vapidPrivateKey"]),
    "FIREBASE_FCM": ("PUSH", ["apiKey"]),
}
ABSENT = {"isSet": False, "version": None, "setAt": None, "setBy": None}
DETAIL = {
    "en": "The provider cannot be reached",
    "de": "Der Anbieter ist nicht erreichbar",
}


def made(client: httpx2.Client, type_: str, **fields: str) -> str:
    """Create an integration and return its path."""
    body = {"name": "n", "type": type_, "channel": TYPES[type_][0], **fields}
    return client.post(PATH, json=body).headers["Location"]


def shown(client: httpx2.Client, place: str) -> Body:
    """Return what is known of the credentials."""
    response = client.get(f"{place}/credentials")
    assert response.status_code == 200, response.text
    assert SECRET not in response.text
    assert response.json()["result"]["message"] == "Credentials fetched successfully"
    return response.json()["result"]["data"]


@pytest.mark.parametrize("type_", TYPES)
def test_each_secret_field_of_the_type_is_shown_set_or_not(
    client: httpx2.Client, type_: str
) -> None:
    fields = TYPES[type_][1]
    data = shown(client, made(client, type_))
    assert data == {"credentials": [{"field": f, **ABSENT} for f in fields], "check": None}
    before = datetime.now(UTC)
    data = shown(client, made(client, type_, **dict.fromkeys(fields, SECRET)))
    for field, secret in zip(fields, data["credentials"], strict=True):
        set_at = datetime.fromisoformat(secret.pop("setAt"))
        assert abs((set_at - before).total_seconds()) < 10
        set_by = {"id": "t", "name": None, "email": None}
        assert secret == {"field": field, "isSet": True, "version": 1, "setBy": set_by}


def test_a_replaced_secret_has_the_next_version_and_who_replaced_it(
    service: Service, client: httpx2.Client, workspace: str
) -> None:
    place = made(client, "TWILIO", apiKey=SECRET, apiSecret=SECRET)
    with service.client("--subject", "ann", workspace=workspace) as ann:
        ann.put(f"{place}/credentials", json={"apiSecret": SECRET + "2"})
    key, secret = shown(client, place)["credentials"]
    assert (key["version"], key["setBy"]["id"]) == (1, "t")
    assert secret["version"] == 2
    assert secret["setBy"] == {"id": "ann", "name": None, "email": None}
    assert secret["setAt"] >= key["setAt"]


def test_a_secret_that_the_type_does_not_use_is_shown_if_it_is_stored(
    client: httpx2.Client,
) -> None:
    place = made(client, "SENDGRID", apiKey=SECRET, apiSecret=SECRET)
    fields = [each["field"] for each in shown(client, place)["credentials"]]
    assert fields == ["apiKey", "apiSecret"]


# What is stored, of which type, what PUT clears, and what is refused: by the provider files.
CLEARED: dict[str, tuple[str, list[str], list[str], list[str]]] = {
    "a secret that the type does not use": ("SENDGRID", ["apiKey", "apiSecret"], ["apiSecret"], []),
    "one that is not set": ("SENDGRID", ["apiKey"], ["apiSecret", "vapidPrivateKey"], []),
    "the public key of another type": (
        "SENDGRID", ["apiKey", "vapidPublicKey"], ["vapidPublicKey"], [],
    ),
    "the key": ("SENDGRID", ["apiKey"], ["apiKey"], ["apiKey"]),
    "a required one that is not set": ("TWILIO", ["apiKey"], ["apiSecret"], ["apiSecret"]),
    "both of TWILIO": (
        "TWILIO", ["apiKey", "apiSecret"], ["apiKey", "apiSecret"], ["apiKey", "apiSecret"],
    ),
    "a required and another": (
        "NEXMO", ["apiKey", "apiSecret", "vapidPrivateKey"], ["apiKey", "vapidPrivateKey"],
        ["apiKey"],
    ),
    "a VAPID pair": (
        "WEB_PUSH", ["vapidPrivateKey"], ["vapidPublicKey", "vapidPrivateKey"],
        ["vapidPublicKey", "vapidPrivateKey"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CLEARED)
def test_null_destroys_what_the_type_does_not_require(
    client: httpx2.Client, problem: Problem, case: str
) -> None:
    type_, set_, cleared, refused = CLEARED[case]
    given = {field: f"{SECRET}-{field}" for field in set_}
    if "vapidPublicKey" in given:
        given["vapidPublicKey"] = SHORT_PUBLIC_KEY
    place = made(client, type_, **given)
    before, history = shown(client, place), client.get(f"{place}/history").json()
    response = client.put(f"{place}/credentials", json=dict.fromkeys(cleared))
    if refused:
        details = problem(response, 400, "VALIDATION_ERROR")["details"]
        assert {(each["field"], each["code"]) for each in details} == {
            (field, "REQUIRED") for field in refused
        }
        assert shown(client, place) == before
        assert client.get(f"{place}/history").json() == history
        return
    assert response.status_code == 200
    assert response.json()["result"]["data"]["vapidPublicKey"] is None
    after = {each["field"]: each["isSet"] for each in shown(client, place)["credentials"]}
    left = [field for field in set_ if field not in cleared]
    assert [field for field, is_set in after.items() if is_set] == left
    entries = client.get(f"{place}/history").json()["result"]
    assert entries["totalCount"] == (2 if set(set_) & set(cleared) else 1)
    assert entries["data"][0]["createdAt"] == response.json()["result"]["data"]["updatedAt"]


@pytest.mark.parametrize(
    ("type_", "field", "warnings"),
    [
        ("WEB_PUSH", "vapidPublicKey", [("vapidPublicKey", "FIELD_MISSING")]),
        ("SENDGRID", "vapidPublicKey", None),
        ("SENDGRID", "senderEmail", None),
        ("WEB_PUSH", "senderName", None),
    ],
)
def test_patch_clears_any_field_and_warns_of_one_that_the_type_requires(
    client: httpx2.Client,
    problem: Problem,
    type_: str,
    field: str,
    warnings: list[tuple[str, str]] | None,
) -> None:
    place = made(client, type_)
    value = "a@example.com" if field == "senderEmail" else "BHn..."
    client.patch(place, json={field: value})

    strict = client.patch(place, json={field: None}, headers={"Prefer": "handling=strict"})
    if warnings:
        refusal = problem(strict, 422, "UNPROCESSABLE")
        assert [(d["field"], d["code"]) for d in refusal["details"]] == warnings
        assert client.get(place).json()["result"]["data"][field] == value
    cleared = client.patch(place, json={field: None})

    assert cleared.status_code == 200
    assert cleared.json()["result"]["data"][field] is None
    found = cleared.json()["result"].get("warnings")
    assert (found and [(w["field"], w["code"]) for w in found]) == warnings


def test_a_destroyed_secret_is_in_the_history_and_its_version_is_not_used_again(
    client: httpx2.Client,
) -> None:
    """influxdb#14826: nobody can clear a secret."""
    place = made(client, "SENDGRID", apiKey=SECRET, apiSecret=SECRET)
    path, tag = f"{place}/credentials", client.get(place).headers["ETag"]
    refused = client.put(path, json={"apiSecret": None}, headers={"If-Match": '"7"'})
    assert refused.status_code == 412
    request: dict[str, Any] = {
        "json": {"apiSecret": None},
        "headers": {"Idempotency-Key": place},
    }
    first, again = client.put(path, **request), client.put(path, **request)
    assert (first.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert client.get(place).headers["ETag"] == first.headers["ETag"] != tag
    [entry, _] = client.get(f"{place}/history").json()["result"]["data"]
    assert (entry["action"], entry["details"]) == (
        "CREDENTIALS_ROTATED",
        {"destroyed": [{"field": "apiSecret", "version": 1}]},
    )
    assert client.put(path, json={"apiSecret": None}).headers["ETag"] == first.headers["ETag"]
    client.put(path, json={"apiSecret": SECRET})
    assert shown(client, place)["credentials"][1]["version"] == 2


OTHER = SECRET + "2"
BOTH = {"apiKey": SECRET, "apiSecret": SECRET}
# What is stored of TWILIO, and replaced; the fields that get another version.
REPLACED: list[tuple[Body, Body, list[str]]] = [
    (BOTH, BOTH, []),
    (BOTH, {"apiKey": SECRET}, []),
    (BOTH, {"apiSecret": f"  {SECRET}\n"}, []),
    (BOTH, {"apiKey": SECRET, "apiSecret": OTHER}, ["apiSecret"]),
    (BOTH, {"apiKey": OTHER, "apiSecret": OTHER}, ["apiKey", "apiSecret"]),
    (BOTH, {"apiKey": SECRET[:-1]}, ["apiKey"]),
    (BOTH, {"apiKey": SECRET.upper()}, ["apiKey"]),
    ({"apiKey": SECRET, "apiSecret": OTHER}, {"apiKey": OTHER}, ["apiKey"]),
    ({"apiKey": SECRET}, BOTH, ["apiSecret"]),
    ({}, BOTH, ["apiKey", "apiSecret"]),
]


@pytest.mark.parametrize(("stored", "given", "changed"), REPLACED)
def test_a_secret_that_is_stored_already_is_not_replaced(
    client: httpx2.Client, stored: Body, given: Body, changed: list[str]
) -> None:
    """Contract, 6: setting what already is so records nothing and answers 200."""
    place = made(client, "TWILIO", **stored)
    before, tag = shown(client, place), client.get(place).headers["ETag"]

    answer = client.put(f"{place}/credentials", json=given)

    assert (answer.status_code, answer.json()["result"]["status"]) == (200, 200)
    assert (answer.headers["ETag"] == tag) is not changed
    assert (shown(client, place) == before) is not changed
    recorded = client.get(f"{place}/history").json()["result"]["data"][:-1]
    assert [[c["field"] for c in each["details"]["credentials"]] for each in recorded] == (
        [changed] if changed else []
    )


def test_what_is_replaced_by_itself_with_a_destroyed_one_is_the_destruction_alone(
    client: httpx2.Client,
) -> None:
    place = made(client, "SENDGRID", apiKey=SECRET, apiSecret=OTHER)
    assert client.put(f"{place}/credentials", json={"apiKey": SECRET, "apiSecret": None}).is_success
    [entry, _] = client.get(f"{place}/history").json()["result"]["data"]
    assert entry["details"] == {"destroyed": [{"field": "apiSecret", "version": 1}]}
    client.put(f"{place}/credentials", json={"apiSecret": OTHER})
    assert shown(client, place)["credentials"][1]["version"] == 2


@pytest.mark.parametrize("language", DETAIL)
def test_the_newest_check_is_shown_in_the_language_of_the_caller(
    client: httpx2.Client, language: str
) -> None:
    """No provider answers in tests."""
    place = made(client, "SENDGRID", apiKey=SECRET)
    client.post(f"{place}/check")
    last = client.post(f"{place}/check").json()["result"]["data"]
    check = shown(client, place)["check"]
    recorded, checked = (datetime.fromisoformat(e.pop("checkedAt")) for e in (check, last))
    assert 0 <= (recorded - checked).total_seconds() < 1
    assert check == {"outcome": "inconclusive", "detail": last["detail"], "region": None}
    translated = client.get(f"/{language}{place[3:]}/credentials").json()["result"]["data"]
    assert translated["check"]["detail"] == DETAIL[language]


def test_what_a_check_lacks_is_named_in_the_language_of_the_caller(client: httpx2.Client) -> None:
    place = made(client, "TWILIO", apiKey="AC" + "0" * 32)
    detail = client.post(f"/de{place[3:]}/check").json()["result"]["data"]["detail"]
    translated = client.get(f"/de{place[3:]}/credentials").json()["result"]["data"]
    assert detail == translated["check"]["detail"] == "Es fehlt: apiSecret"


def test_the_version_of_an_integration_is_the_one_of_its_credentials(
    client: httpx2.Client,
) -> None:
    place = made(client, "TWILIO", apiKey=SECRET)
    path, tag = f"{place}/credentials", client.get(place).headers["ETag"]

    client.post(f"{place}/check")

    assert "ETag" not in client.get(path).headers
    replaced = client.put(path, json={"apiSecret": SECRET}, headers={"If-Match": tag})
    assert replaced.status_code == 200


def test_a_viewer_may_see_it_and_nobody_without_the_permission(
    service: Service, client: httpx2.Client, workspace: str, problem: Problem
) -> None:
    place = made(client, "SENDGRID", apiKey=SECRET)
    with service.caller(workspace, role="VIEWER") as viewer:
        assert shown(viewer, place) == shown(client, place)
    with service.client("--permission", "audit:view", workspace=workspace) as auditor:
        problem(auditor.get(f"{place}/credentials"), 403, "FORBIDDEN")


def test_what_is_deleted_or_never_was_is_not_found(client: httpx2.Client, problem: Problem) -> None:
    place = made(client, "SENDGRID", apiKey=SECRET)
    client.delete(place)
    for path in (place, f"{PATH}/int_01h455vb4pex5vsknk084sn02q", f"{PATH}/nonsense"):
        problem(client.get(f"{path}/credentials"), 404, "NOT_FOUND")
