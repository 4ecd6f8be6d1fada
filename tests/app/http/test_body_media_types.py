"""How a body comes: encodings, charsets, marks, none at all."""

import gzip
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.settings import read_settings
from app.tokens.principal import PERMISSIONS
from scripts.commands.issue_token import issue

Problem = Callable[..., dict[str, Any]]
Headers = dict[str, str]
PATH = "/en/api/integration"
JSON = {"Content-Type": "application/json"}
CONTENT = b'{"name":"n","type":"TWILIO","channel":"SMS","senderName":"\xc3\xa9"}'
TYPE_MESSAGE = "The body must be application/json in UTF-8"
ENCODING_MESSAGE = "The body must come without a Content-Encoding"


@pytest.fixture
def endpoints(client: httpx2.Client, body: dict[str, Any]) -> list[tuple[str, str, bytes]]:
    """Every endpoint that reads a body: method, path, a body that it takes."""
    place = client.post(PATH, json=body).headers["Location"]
    chosen = b'{"integrationId":"%b"}' % place.rpartition("/")[2].encode()
    return [
        ("POST", PATH, CONTENT),
        ("PATCH", place, b'{"name":"m"}'),
        ("POST", f"{place}/toggle", b'{"isActive":true}'),
        ("PUT", f"{place}/credentials", b'{"apiKey":"SG.key"}'),
        ("PUT", "/en/api/integration-defaults/EMAIL", chosen),
    ]


def test_the_endpoints_are_all_that_read_a_body(client: httpx2.Client) -> None:
    paths = client.get("/docs/openapi.json").json()["paths"]
    found = {
        (method.upper(), path.rpartition("/")[2])
        for path, item in paths.items()
        for method, operation in item.items()
        if "requestBody" in operation
    }

    assert found == {
        ("POST", "integration"),
        ("PATCH", "{integrationId}"),
        ("POST", "toggle"),
        ("POST", "lease"),
        ("PUT", "credentials"),
        ("PUT", "{channel}"),
    }


# ----- Content-Encoding -----
@pytest.mark.parametrize(
    "encodings",
    [
        *(["gzip"], ["GZip"], ["deflate"], ["br"], ["zstd"], ["x-gzip"], ["unknown"], ["*"]),
        *(["gzip, identity"], ["identity", "gzip"], ["identity;q=1"], ['"identity"']),
    ],
    ids=str,
)
def test_an_encoded_body_is_refused_everywhere(
    client: httpx2.Client,
    endpoints: list[tuple[str, str, bytes]],
    problem: Problem,
    encodings: list[str],
) -> None:
    headers = [*JSON.items(), *(("Content-Encoding", each) for each in encodings)]
    for method, path, content in endpoints:
        answer = client.request(method, path, content=gzip.compress(content), headers=headers)

        result = problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
        assert result["message"] == ENCODING_MESSAGE
        assert answer.headers["accept-encoding"] == "identity"  # RFC 9110, 12.5.3


@pytest.mark.parametrize("encodings", [["identity"], ["Identity"], [""], ["identity, identity"]])
def test_the_identity_encoding_is_none(
    client: httpx2.Client, endpoints: list[tuple[str, str, bytes]], encodings: list[str]
) -> None:
    headers = [*JSON.items(), *(("Content-Encoding", each) for each in encodings)]
    for method, path, content in endpoints:
        assert client.request(method, path, content=content, headers=headers).is_success


# ----- Content-Type -----
@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 201),
        ("Application/JSON", 201),
        ("application/json; charset=utf-8", 201),
        ("application/json;charset=UTF-8", 201),
        ('application/json; charset="utf-8"', 201),
        ("application/json; charset='utf-8'", 201),
        ("application/json ;\tCharset=Utf8", 201),
        ("application/json;", 201),
        ("application/json; ; charset=utf-8;", 201),
        ('application/json; profile="a;charset=latin1"', 201),
        ("application/json; q=1", 201),
        *((f"application/json; charset={charset}", 415) for charset in ("utf-16", "latin1", '""')),
        *((f"application/json; charset={charset}", 415) for charset in ("iso-8859-1", "utf-8-sig")),
        ("application/json; charset=utf-8; charset=utf-16", 415),
        ("application/json, application/json", 415),
        *((other, 415) for other in ("text/json", "application/vnd.api+json", "text/plain")),
        *((other, 415) for other in ("application/x-www-form-urlencoded", "application/jsonx")),
        *((other, 415) for other in ("multipart/form-data; boundary=a", "*/*", "json", "")),
    ],
)  # fmt: skip
def test_the_media_type_is_json_in_utf_8(
    client: httpx2.Client, problem: Problem, media_type: str, status: int
) -> None:
    answer = client.post(PATH, content=CONTENT, headers={"Content-Type": media_type})

    if status == 201:
        assert answer.status_code == 201
    else:
        result = problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
        assert result["message"] == TYPE_MESSAGE
        assert "accept-encoding" not in answer.headers  # RFC 9110, 12.5.3: that was not the reason


def test_a_body_without_a_media_type_is_refused(
    client: httpx2.Client, endpoints: list[tuple[str, str, bytes]], problem: Problem
) -> None:
    for method, path, content in endpoints:
        problem(client.request(method, path, content=content), 415, "UNSUPPORTED_MEDIA_TYPE")


WORDS = st.sampled_from(["utf-8", "utf-16", "gzip", "identity", "charset", "=", ";", '"', ",", " "])
TEXT = st.lists(WORDS | st.text(st.characters(codec="ascii", categories=["L", "P", "S"])))


@given(
    encoding=TEXT.map("".join),
    media_type=TEXT.map(lambda words: "application/json" + "".join(words)),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_encoding_and_charset_is_415_or_success(
    client: httpx2.Client, encoding: str, media_type: str
) -> None:
    headers = {"Content-Encoding": encoding.strip(), "Content-Type": media_type.strip()}

    assert client.post(PATH, content=CONTENT, headers=headers).status_code in (201, 415)


def test_a_hostile_media_type_takes_no_time(client: httpx2.Client) -> None:
    for media_type in (";" * 60_000, "; a=b" * 12_000, '; a="' + "\\a" * 29_000, "; " * 29_000):
        headers = {"Content-Type": f"application/json{media_type} /"}

        answer = client.post(PATH, content=CONTENT, headers=headers)

        assert answer.status_code in (201, 415)
        assert answer.elapsed.total_seconds() < 1


# ----- Bytes -----
@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"\xef\xbb\xbf" + CONTENT, None, id="a byte order mark"),
        pytest.param(b"\xef\xbb\xbf" * 2 + CONTENT, "The body is not valid JSON", id="two marks"),
        pytest.param(b"\xef\xbb\xbf", "The body is not valid JSON", id="nothing but a mark"),
        *(
            pytest.param(CONTENT.decode().encode(name), "The body must be UTF-8", id=name)
            for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "latin-1")
        ),
        pytest.param(b"", "A JSON body is needed", id="empty"),
        pytest.param(b"  \r\n", "The body is not valid JSON", id="blank"),
        pytest.param(b"\x1f\x8b\x08\x00", "The body must be UTF-8", id="gzip without a header"),
    ],
)
def test_the_bytes_of_a_body_are_utf_8(
    client: httpx2.Client, problem: Problem, content: bytes, message: str | None
) -> None:
    answer = client.post(PATH, content=content, headers=JSON)

    if message is None:
        assert answer.status_code == 201
        assert answer.json()["result"]["data"]["senderName"] == "é"
    else:
        assert problem(answer, 400, "VALIDATION_ERROR")["message"] == message


def test_a_field_given_twice_behind_a_byte_order_mark_is_found(client: httpx2.Client) -> None:
    content = b"\xef\xbb\xbf" + CONTENT[:-1] + b',"name":"m"}'

    [detail] = client.post(PATH, content=content, headers=JSON).json()["result"]["details"]

    assert (detail["field"], detail["code"]) == ("name", "REPEATED_FIELD")


# ----- A body that is not needed -----
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NOT_NEEDED = {
    "check": ("POST", "{place}/check", 200),
    "delete": ("DELETE", "{place}", 200),
    "clear a default": ("DELETE", "/en/api/integration-defaults/SMS", 200),
    "console link": ("POST", "/en/api/console-link", 201),
    "lease": ("POST", "{place}/lease", 403),  # the token names no key, and nothing is the default
    "lease of a default": ("POST", "/en/api/integration-defaults/SMS/lease", 409),
}
Way = tuple[bytes | list[bytes], Headers, int | None]
TYPICAL: list[Way] = [
    (b"", FORM, None),
    (b"{}", JSON, None),
    (b" null\n", JSON, None),
    (b'{"apiKey": "SG.canary"}', JSON, 400),
    (b"[]", JSON, 400),
    (b"{}", {}, 415),
    ([b"x" * 40_000] * 2, JSON, 413),
]
RARE: list[Way] = [
    (b"", {}, None),
    (b"", JSON, None),
    (b"", {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, None),
    (b"{}", {"Content-Type": "application/json; charset=UTF-8"}, None),
    (b"{}", JSON | {"Content-Encoding": "identity"}, None),
    (b'{"settings": {"region": "EU"}}', JSON, 400),
    (b'{"a b": null}', JSON, 400),
    *((each, JSON, 400) for each in (b'"SG.canary"', b"7", b"false", b"{bad", b"\xff", b" ")),
    (b"null", {}, 415),
    (b"{}", {"Content-Type": "text/plain"}, 415),
    (b"{}", {"Content-Type": "application/json; charset=utf-16"}, 415),
    (b"a=1", FORM, 415),
    (b"--a--", {"Content-Type": "multipart/form-data; boundary=a"}, 415),
    (b"\x1f\x8b", JSON | {"Content-Encoding": "gzip"}, 415),
    (b"{}", JSON | {"Content-Encoding": "identity, br"}, 415),
    (b"x" * 65_537, JSON, 413),
]
ALL = [*TYPICAL, *RARE]
ALL_WAYS = ("check", "lease")  # one takes no body, and one may have one


@pytest.fixture
def everything(service: Any, workspace: str) -> Iterator[httpx2.Client]:
    """A client that may do all, leases too, though its token names no key for them."""
    settings, all_ = read_settings(service.environment), sorted(PERMISSIONS)
    token = issue(settings, workspace=workspace, subject="t", ttl=3600, permissions=all_)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=service.address, headers=headers, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    ("endpoint", "content", "headers", "status"),
    [(name, *way) for name in NOT_NEEDED for way in (ALL if name in ALL_WAYS else TYPICAL)],
)
def test_a_body_that_is_not_needed_is_absent_or_json(
    everything: httpx2.Client,
    endpoint: str,
    content: bytes | list[bytes],
    headers: Headers,
    status: int | None,
) -> None:
    method, path, success = NOT_NEEDED[endpoint]
    place = everything.post(PATH, content=CONTENT, headers=JSON).headers["Location"]
    body = iter(content) if isinstance(content, list) else content

    answer = everything.request(method, path.format(place=place), content=body, headers=headers)

    assert answer.status_code == answer.json()["result"]["status"] == (status or success)
    assert "canary" not in answer.text


@pytest.mark.parametrize("headers", [{}, FORM, JSON | {"Content-Encoding": "gzip"}], ids=str)
def test_a_body_of_a_get_is_ignored(client: httpx2.Client, headers: Headers) -> None:
    assert client.request("GET", PATH, content=b"\x1f\x8b", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", [{}, JSON, {"Content-Type": "text/plain"}], ids=str)
def test_a_toggle_without_a_body_says_that_it_needs_one(
    client: httpx2.Client, problem: Problem, body: dict[str, Any], headers: Headers
) -> None:
    place = client.post(PATH, json=body).headers["Location"]

    answer = client.post(f"{place}/toggle", headers=headers)

    assert problem(answer, 400, "VALIDATION_ERROR")["message"] == "A JSON body is needed"


# ----- Expect -----
@pytest.mark.parametrize("expect", ["100-continue", "100-Continue"])
def test_a_client_that_waits_is_told_to_continue(client: httpx2.Client, expect: str) -> None:
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['authorization']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(CONTENT)}\r\n"
        f"Expect: {expect}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), 10) as sent:
        sent.sendall(head.encode())
        assert sent.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sent.sendall(CONTENT)
        answer = b"".join(iter(lambda: sent.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 201 ")
