"""Fields that an operation does not take: the message says what is meant, or who sets it."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

Problem = Callable[..., dict[str, Any]]
PATH = "/en/api/integration"
SET_BY_SERVICE = "The service sets this; it cannot be changed"
NO_NEW_TYPE = "This cannot be changed; add a new integration instead"
NO_OBJECT_HERE = "This must be a string; give the text of a file as one string, in quotation marks"
NOT_STORED = "The check is of what is stored; store this first"
CREDENTIALS = "PUT /{id}/credentials"
# The operation, one field of its body, and what the answer says of it.
NAMED: list[tuple[str, dict[str, Any], str]] = [
    *[
        (operation, {name: "2026-11-29T00:00:00.000Z"}, SET_BY_SERVICE)
        for operation in ("PATCH /{id}", "POST ")
        for name in ("id", "workspaceId", "createdAt", "updatedAt")
    ],
    ("PATCH /{id}", {"type": "SENDGRID"}, NO_NEW_TYPE),
    ("PATCH /{id}", {"channel": "EMAIL"}, NO_NEW_TYPE),
    ("POST ", {"api_key": "k"}, "This field is not known; you may mean apiKey"),
    ("POST ", {"ApiKey": "k"}, "This field is not known; you may mean apiKey"),
    ("POST ", {"API-KEY": "k"}, "This field is not known; you may mean apiKey"),
    ("POST ", {"sender_email": None}, "This field is not known; you may mean senderEmail"),
    ("POST ", {"account_sid": "x"}, "This field is not known; you may mean settings.accountSid"),
    ("POST ", {"region": "EU"}, "This field is not known; you may mean settings.region"),
    ("POST ", {"settings": {"Region": "EU"}}, "This field is not known; you may mean region"),
    (
        "POST ",
        {"settings": {"account_sid": "x"}},
        "This field is not known; you may mean accountSid",
    ),
    ("POST ", {"apiSecrets": "s"}, "This field is not known"),
    ("POST ", {"_" * 70: "s"}, "This field is not known"),
    ("PATCH /{id}", {"sendername": "N"}, "This field is not known; you may mean senderName"),
    ("PATCH /{id}", {"api_secret": "s"}, "This field is not known; you may mean apiSecret"),
    ("POST /{id}/toggle", {"is_active": True}, "This field is not known; you may mean isActive"),
    (
        CREDENTIALS,
        {"vapid_private_key": "k"},
        "This field is not known; you may mean vapidPrivateKey",
    ),
    *[
        ("POST /{id}/check", {name: "2026-11-29"}, NOT_STORED)
        for name in ("apiKey", "apiSecret", "vapidPrivateKey", "vapidPublicKey", "settings")
    ],
    ("POST /{id}/check", {"api_key": None}, "This field is not known; you may mean apiKey"),
    ("POST /{id}/check", {"name": "2026-11-29"}, "This field is not known"),
    ("DELETE /{id}", {"apiKey": "2026-11-29"}, "This field is not known"),
    *[
        (operation, {name: value}, NO_OBJECT_HERE)
        for operation in ("POST ", CREDENTIALS)
        for name in ("apiKey", "apiSecret", "vapidPrivateKey")
        for value in ({"type": "service_account"}, [{"type": "service_account"}])
    ],
    ("POST ", {"apiKey": 12345678}, "This must be a string"),
]


@pytest.mark.parametrize(("operation", "field", "message"), NAMED)
def test_a_field_that_is_no_field_here_is_told_what_to_do(  # noqa: PLR0913, PLR0917 — a row each
    client: httpx2.Client,
    problem: Problem,
    body: dict[str, Any],
    operation: str,
    field: dict[str, Any],
    message: str,
) -> None:
    id_ = client.post(PATH, json=body).json()["result"]["data"]["id"]
    method, place = operation.format(id=id_).split(" ")
    sent = body | field if operation == "POST " else field

    answer = client.request(method, PATH + place, json=sent)

    details = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert [each["message"] for each in details if each["code"] != "REQUIRED"] == [message]
    assert "2026-11-29" not in answer.text
