"""Bodies of every wrong kind: the envelope, every wrong field at once, never a submitted value."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.service import Service

Json = Any

PATH = "/en/api/integration"
JSON = {"Content-Type": "application/json"}
Problem = Callable[..., dict[str, Any]]
NO_JSON = "The body is not valid JSON"
NO_BODY = "A JSON body is needed"
NO_UTF_8 = "The body must be UTF-8"
NO_OBJECT = "The body must be a JSON object"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", NO_BODY),
        (b"{", NO_JSON),
        (b"{} x", NO_JSON),
        (b"name=n&type=SENDGRID", NO_JSON),
        (b'{"name": NaN}', NO_JSON),
        (b'{"name": 1e999}', NO_JSON),
        (b'{"name": ' + b"9" * 5_000 + b"}", NO_JSON),
        (b'{"name": "\xff"}', NO_UTF_8),
        (b'{"name": "a\x00b"}', NO_JSON),
        (b'{"name": "\\ud800", "type": NaN}', NO_JSON),
        (b'{"name": "\\ud800"', NO_JSON),
        (b'{"a": "\\ud800", "b":' * 3_000, NO_JSON),
        (b'["\\ud800"]', NO_OBJECT),
        ('{"name": "n"}'.encode("utf-16"), NO_UTF_8),
        (b"\xef\xbb\xbf{", NO_JSON),
        (b"[" * 60_000, NO_JSON),
        (b'{"a":' * 9_000 + b"1" + b"}" * 9_000, NO_JSON),
        (b"[" * 900 + b"]" * 900, NO_OBJECT),
        (b"[]", NO_OBJECT),
        (b"null", NO_OBJECT),
        (b'"name"', NO_OBJECT),
        (b"1", NO_OBJECT),
    ],
)
def test_a_body_that_is_not_a_json_object_is_refused(
    client: httpx2.Client, problem: Problem, content: bytes, message: str
) -> None:
    answer = client.post(PATH, content=content, headers=JSON)

    result = problem(answer, 400, "VALIDATION_ERROR")
    assert result["message"] == message
    assert "details" not in result


def test_nested_json_of_any_depth_is_refused(client: httpx2.Client, problem: Problem) -> None:
    for depth in (1, 200, *range(880, 1_010), 5_000):  # parsers give up at about 1,000
        content = b'{"name":' + b"[" * depth + b"]" * depth + b"}"

        problem(client.post(PATH, content=content, headers=JSON), 400, "VALIDATION_ERROR")


def test_a_body_over_64_kib_is_refused(client: httpx2.Client, problem: Problem) -> None:
    problem(client.post(PATH, content=b" " * 65_537, headers=JSON), 413, "PAYLOAD_TOO_LARGE")


def test_a_client_that_reads_only_after_sending_everything_gets_the_response(
    service: Service,
) -> None:
    """urllib closes its connection after each request: answered too early, it would be reset."""
    token = service.token()
    headers = {**JSON, "Authorization": f"Bearer {token}", "Connection": "close"}
    request = urllib.request.Request(service.address + PATH, b" " * 8_000_000, headers)  # noqa: S310 — our own address

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310 — our own address

    with refused.value as answer:
        assert answer.code == 413


WRONG = [
    ("name", "", "WRONG_LENGTH"),
    ("name", " \t ", "INVISIBLE_TEXT"),
    ("name", "x" * 121, "WRONG_LENGTH"),
    ("name", "a\x00b", "CONTROL_CHARACTER"),
    ("name", "a\nb", "CONTROL_CHARACTER"),
    ("name", "a\u2028b", "CONTROL_CHARACTER"),
    ("name", 5, "WRONG_TYPE"),
    ("name", ["n"], "WRONG_TYPE"),
    ("name", {"n": 1}, "WRONG_TYPE"),
    ("name", 10**18, "WRONG_TYPE"),
    ("type", "sendgrid", "NOT_ALLOWED"),
    ("type", "MAILGUN-0d1f", "NOT_ALLOWED"),
    ("type", "", "NOT_ALLOWED"),
    ("type", True, "WRONG_TYPE"),
    ("channel", "FAX-MACHINE", "NOT_ALLOWED"),
    ("channel", "SMS", "CHANNEL_MISMATCH"),
    ("channel", 1.5, "WRONG_TYPE"),
    ("senderName", "", "WRONG_LENGTH"),
    ("senderName", "y" * 121, "WRONG_LENGTH"),
    ("senderName", False, "WRONG_TYPE"),
    ("senderEmail", "not-an-address", "INVALID_EMAIL"),
    ("senderEmail", "", "INVALID_EMAIL"),
    ("senderEmail", "a@b", "INVALID_EMAIL"),
    ("senderEmail", "local@" + "d" * 300 + ".com", "INVALID_EMAIL"),
    ("senderEmail", 7, "WRONG_TYPE"),
    ("senderPhone", "123456789", "INVALID_PHONE"),
    ("senderPhone", "+12345", "INVALID_PHONE"),
    ("senderPhone", "+1234567890123456", "INVALID_PHONE"),
    ("senderPhone", "whatsapp:+15551234567", "NOT_ALLOWED"),
    ("senderPhone", 15551234567, "WRONG_TYPE"),
    ("apiKey", "", "WRONG_LENGTH"),
    ("apiKey", "k" * 8_193, "WRONG_LENGTH"),
    ("apiKey", 5, "WRONG_TYPE"),
    ("apiSecret", "", "WRONG_LENGTH"),
    ("apiSecret", ["secret-in-a-list"], "WRONG_TYPE"),
    ("vapidPrivateKey", {"d": "secret-in-an-object"}, "WRONG_TYPE"),
    ("vapidPublicKey", "", "WRONG_LENGTH"),
    ("vapidPublicKey", "B" * 513, "WRONG_LENGTH"),
    ("vapidPublicKey", "A" * 43, "LOOKS_LIKE_SECRET"),
    ("isActive", "true", "WRONG_TYPE"),
    ("isActive", 1, "WRONG_TYPE"),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_field_is_named_and_its_value_is_not_repeated(
    client: httpx2.Client, problem: Problem, body: dict[str, Any], wrong: tuple[str, object, str]
) -> None:
    field, value, code = wrong

    answer = client.post(PATH, json=body | {field: value})

    details = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert [(detail["field"], detail["code"]) for detail in details] == [(field, code)]
    assert set(details[0]) == {"field", "code", "message"}
    if isinstance(value, str) and len(value) > 5:
        assert value not in answer.text


def test_all_wrong_fields_are_named_at_once(client: httpx2.Client, problem: Problem) -> None:
    wrong: dict[str, Json] = {
        "type": "?",
        "channel": 1,
        "apiKey": "",
        "apiSecret": [],
        "senderEmail": "?",
        "senderName": 0,
        "senderPhone": "0",
        "vapidPublicKey": {},
        "vapidPrivateKey": "",
        "isActive": None,
        "webhook": "?",
    }

    details = problem(client.post(PATH, json=wrong), 400, "VALIDATION_ERROR")["details"]

    assert {detail["field"] for detail in details} == {"name", *wrong} - {"isActive"}


@pytest.mark.parametrize("name", ["name", "type", "channel"])
@pytest.mark.parametrize("null", [True, False])
def test_required_fields_are_required(
    client: httpx2.Client, problem: Problem, body: dict[str, Any], name: str, *, null: bool
) -> None:
    missing = body | {name: None} if null else {n: v for n, v in body.items() if n != name}

    details = problem(client.post(PATH, json=missing), 400, "VALIDATION_ERROR")["details"]

    assert [(detail["field"], detail["code"]) for detail in details] == [(name, "REQUIRED")]


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        ("POST ", {"name": "n", "type": "SENDGRID", "channel": "EMAIL"}),
        ("PATCH /{id}", {"name": "m"}),
        ("PUT /{id}/credentials", {"apiKey": "SG.another"}),
        ("POST /{id}/toggle", {"isActive": False}),
    ],
)
def test_an_unknown_field_is_refused_though_it_is_null(
    client: httpx2.Client,
    problem: Problem,
    body: dict[str, Any],
    operation: str,
    sent: dict[str, Any],
) -> None:
    id_ = client.post(PATH, json=body).json()["result"]["data"]["id"]
    method, place = operation.format(id=id_).split(" ")

    answer = client.request(method, PATH + place, json={**sent, "apiSecert": None})

    details = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert [(each["field"], each["code"]) for each in details] == [("apiSecert", "UNKNOWN_FIELD")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("apiToken", "apiToken"),
        ("_" * 32, "_" * 32),
        ("_" * 33, None),
        ("SG.secret-in-a-name", None),
        ("<script>", None),
        ("", None),
        ("a b", None),
        ("naïve", None),
        ("name\n", None),
    ],
)
def test_an_unknown_field_is_named_only_if_its_name_is_plain(
    client: httpx2.Client, problem: Problem, body: dict[str, Any], name: str, shown: str | None
) -> None:
    answer = client.post(PATH, json=body | {name: "v"})

    details = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert [(d["field"], d["code"]) for d in details] == [(shown, "UNKNOWN_FIELD")]


def test_a_field_given_twice_is_refused(client: httpx2.Client, problem: Problem) -> None:
    content = b'{"name": "a", "type": "TWILIO", "channel": "SMS", "\\u006eame": "b"}'

    details = problem(client.post(PATH, content=content, headers=JSON), 400, "VALIDATION_ERROR")[
        "details"
    ]

    assert [(d["field"], d["code"]) for d in details] == [("name", "REPEATED_FIELD")]


MARK = "\u00a4"  # in each string that is sent, so that one look finds any of them in an answer
MARKED = st.text().map(MARK.__add__)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(width=32) | MARKED,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MARKED, inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*{name for name, _, _ in WRONG}, "id", "__proto__", "__class__"])
NEARLY = st.fixed_dictionaries(
    {
        "name": MARKED | ANY_JSON,
        "type": st.sampled_from(["SENDGRID", "TWILIO", "WEB_PUSH"]) | MARKED,
        "channel": st.sampled_from(["EMAIL", "SMS", "PUSH"]) | MARKED,
    },
    optional={
        "senderEmail": st.emails().map(MARK.__add__) | ANY_JSON,
        "senderPhone": st.from_regex(r"\+[0-9]{4,17}") | ANY_JSON,
        "apiKey": ANY_JSON,
        "vapidPublicKey": ANY_JSON,
        "vapidPrivateKey": ANY_JSON,
    },
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=NEARLY | st.dictionaries(NAMES | MARKED, ANY_JSON) | ANY_JSON)
def test_any_json_is_accepted_or_refused_and_never_repeated(
    client: httpx2.Client, problem: Problem, value: Json
) -> None:
    answer = client.post(PATH, content=json.dumps(value), headers=JSON)  # with NaN and Infinity

    if answer.status_code == 201:
        assert answer.json()["result"]["data"]["name"] == value["name"].strip()
    else:
        problem(answer, 400, "VALIDATION_ERROR")
        assert MARK not in answer.text


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_random_bytes_are_refused(client: httpx2.Client, problem: Problem, content: bytes) -> None:
    problem(client.post(PATH, content=content, headers=JSON), 400, "VALIDATION_ERROR")
