"""What stands between us and a provider, or pretends to be one, never blames a key.

The documented answer of each type, by which a key is invalid, is sent here in every wrong way.
"""

import gzip
import json
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pytest

from app.providers.check import CredentialChecker
from app.secrets.secret import Secret
from tests.app.providers.conftest import Script

ROWS = msgspec.toml.decode(Path(__file__).with_name("provider_responses.toml").read_bytes())
DOCUMENTED = {
    (row["type"], row.get("of", "check")): (row["status"], row["body"])
    for row in reversed(ROWS["responses"])
    if row["outcome"] == "invalid"
}
TOKEN = json.dumps({"access_token": "ya29.token"}).encode()
JSON = "Content-Type: application/json\r\n"
HTML = "Content-Type: text/html; charset=UTF-8\r\n"
HTML_PAGE = b"<!doctype html><title>%d</title><h1>%b</h1>"
CLOUDFLARE = {  # its answer to `Accept: application/json`
    "type": "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/",
    "title": "Error 1020: Access denied",
    "status": 403,
    "detail": "The site owner has blocked access based on your request.",
    "error_code": 1020,
    "cloudflare_error": True,
}
# Kind, status, further headers, body; None is the documented status, {} the documented body.
Row = tuple[str, int | None, str, bytes]
BETWEEN: list[Row] = [
    ("a page", 401, HTML, HTML_PAGE % (401, b"Unauthorized")),
    ("a page that says what the provider says", 401, HTML, HTML_PAGE % (401, b"{}")),
    ("a page labelled as JSON", 401, JSON, HTML_PAGE % (401, b"Permission denied")),
    ("nothing", 401, "", b""),
    ("nothing, labelled", 401, JSON, b""),
    ("a word", 401, "Content-Type: text/plain\r\n", b"Unauthorized"),
    ("a word in JSON", 401, JSON, b'"Unauthorized"'),
    ("a list", 401, JSON, b'["Permission denied, wrong credentials", 20003, 401]'),
    ("XML", 401, "", b"<TwilioResponse><RestException><Code>20003</Code></RestException>"),
    ("a login", 401, 'WWW-Authenticate: Basic realm="proxy"\r\n', b'{"error":"unauthorized"}'),
    ("a gateway", 401, JSON, b'{"code":401,"status":401,"message":"Unauthorized","type":"x"}'),
    ("a gateway forbids", 403, JSON, b'{"code":403,"message":"Forbidden","error":"Forbidden"}'),
    ("OAuth", 401, JSON, b'{"error":"invalid_token","error_description":"The token is invalid"}'),
    ("Spanish", 401, JSON, '{"errors":[{"message":"autorización requerida"}]}'.encode()),
    ("German", 401, JSON, '{"Error":"Falscher API-Schlüssel","message":"Anmelden"}'.encode()),
    ("wait", 401, JSON + "Retry-After: 30\r\n", b'{"message":"Try again later"}'),
    ("a proxy's login", 407, HTML, HTML_PAGE % (407, b"Proxy Authentication Required")),
    ("a proxy's login in JSON", 407, JSON, b"{}"),
    ("Cloudflare 1020", 403, HTML, HTML_PAGE % (403, b"Access denied | error code 1020")),
    ("Cloudflare 1020 in JSON", 403, JSON, json.dumps(CLOUDFLARE).encode()),
    ("a firewall", 406, HTML, HTML_PAGE % (406, b"Not Acceptable")),
    ("a captive portal", 511, HTML, HTML_PAGE % (511, b"Sign in")),
    ("a captive portal in JSON", 511, JSON, b"{}"),
    *[(f"redirect {n}", n, "Location: https://login.example\r\n", b"{}") for n in (301, 302, 307)],
    *[(f"documented, but {n}", n, JSON, b"{}") for n in (200, 402, 404, 410, 418, 429, 500, 503)],
    ("in an envelope", None, JSON, b'{"upstream":{}}'),
    ("in a list", None, JSON, b"[{}]"),
    ("twice", None, JSON, b"{}{}"),
    ("as text", None, JSON, b'"{}"'),
    *[
        (f"labelled {t}", None, f"Content-Type: {t}\r\n", b"{}")
        for t in ("text/html", "text/plain")
    ],
    ("with a comment", None, JSON, b"{} // cached"),
]
Answer = Callable[[int, bytes], bytes]


def framed(status: int, headers: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} S\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def spelled(row: Row) -> Answer:
    """Return the answer of *row*, for the documented status and body."""
    _, status, headers, body = row
    return lambda known, content: framed(status or known, headers, body.replace(b"{}", content))


TRANSPORT: dict[str, Answer] = {
    "compressed": lambda n, c: framed(n, JSON + "Content-Encoding: gzip\r\n", gzip.compress(c)),
    "compressed, not labelled": lambda n, c: framed(n, JSON, gzip.compress(c)),
    "labelled compressed": lambda n, c: framed(n, JSON + "Content-Encoding: gzip\r\n", c),
    "labelled, and identity": lambda n, c: framed(
        n, JSON + "Content-Encoding: br, identity\r\n", c
    ),
    "UTF-16": lambda n, c: framed(n, JSON, c.decode().encode("utf-16")),
    "Latin-1": lambda n, c: framed(n, JSON, c.replace(b"}", b', "x": "\xfc"}', 1)),
    "cut within": lambda n, c: framed(n, JSON, c[:-1]),
    "cut on the way": lambda n, c: framed(n, JSON, c + b" " * 9)[:-9],
    "longer than we read": lambda n, c: framed(n, JSON, c + b" " * 65_536),
    "no end of the head": lambda n, _: framed(n, JSON, b"")[:-2],
}
ANSWERS = {row[0]: spelled(row) for row in BETWEEN} | TRANSPORT
# The value counts that the provider documents, however its JSON is labelled.
LABELLED: dict[str, Answer] = {
    "as it is": lambda n, c: framed(n, JSON, c),
    "no type": lambda n, c: framed(n, "", c),
    "a problem": lambda n, c: framed(n, "Content-Type: application/problem+json\r\n", c),
    "a charset": lambda n, c: framed(n, "content-type: Application/JSON; charset=utf-8\r\n", c),
    "not encoded": lambda n, c: framed(n, JSON + "Content-Encoding: Identity\r\n", c),
    "wait": lambda n, c: framed(n, JSON + "Retry-After: 30\r\n", c),
    "just not too long": lambda n, c: framed(n, JSON, c.ljust(65_536)),
}


@pytest.fixture
def check_answered(
    provider_that: Callable[..., AbstractAsyncContextManager[str]],
    checker_at: Callable[..., CredentialChecker],
    credentials: dict[str, dict[str, Secret]],
) -> Callable[..., Awaitable[str]]:
    """Check good credentials of a type at a provider that gives one answer to each request."""

    async def check(key: tuple[str, str], answer: Answer) -> str:
        raw = answer(DOCUMENTED[key][0], DOCUMENTED[key][1].encode())

        async def behave(reader: Reader, writer: Writer) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            is_token = head.startswith(b"POST /token ")
            says = raw if is_token is (key[1] == "token") else framed(200, JSON, TOKEN)
            writer.write(says)
            await writer.drain()

        async with provider_that(behave) as url:
            return (await checker_at(url).check(key[0], credentials[key[0]])).verdict.outcome

    return check


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("key", DOCUMENTED, ids="-".join)
async def test_no_other_answer_blames_the_key(
    check_answered: Callable[..., Awaitable[str]], key: tuple[str, str], kind: str
) -> None:
    assert await check_answered(key, ANSWERS[kind]) == "inconclusive"


@pytest.mark.parametrize("kind", LABELLED)
@pytest.mark.parametrize("key", DOCUMENTED, ids="-".join)
async def test_the_documented_answer_does(
    check_answered: Callable[..., Awaitable[str]], key: tuple[str, str], kind: str
) -> None:
    assert await check_answered(key, LABELLED[kind]) == "invalid"


ADDRESS_LISTS = {
    "SENDGRID": {"errors": [{"message": "Your IP is not allowed"}]},
    "TWILIO": {"code": 20003, "message": "IP address is not in the allow list", "status": 401},
    "NEXMO": {
        "type": "https://developer.vonage.com/api-errors#unauthorized",
        "title": "Unauthorized",
        "detail": "Your IP is blocked",
    },
    "FIREBASE_FCM": {
        "error": {
            "code": 401,
            "status": "UNAUTHENTICATED",
            "message": "Your IP address is blocked",
        }
    },
}


@pytest.mark.parametrize("type_", ADDRESS_LISTS)
async def test_an_address_list_in_any_words_never_blames_a_key(type_: str, script: Script) -> None:
    answers: list[tuple[int, object]] = [(401, ADDRESS_LISTS[type_])]
    if type_ == "FIREBASE_FCM":
        answers = [(200, {"access_token": "ya29.token"}), *answers]

    found = await script.check(type_, *answers)

    assert found.verdict.outcome == "inconclusive"
