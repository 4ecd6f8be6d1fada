"""Providers that misbehave are never believed, and never hold a check up."""

import asyncio
import gzip
import json
import ssl
import struct
import time
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.providers.check import CredentialChecker
from app.providers.http_client import ProviderClient, ProviderRequest
from app.providers.provider_file import ProviderFile
from app.secrets.secret import Secret

ProviderThat = Callable[..., AbstractAsyncContextManager[str]]
CheckerAt = Callable[..., CredentialChecker]
VALUES = {"apiKey": Secret(b"SG.key")}
OK = b"HTTP/1.1 200 OK\r\n"
GOOD = json.dumps({"scopes": ["mail.send"]}).encode()
DEADLINE = 0.6  # seconds; that of the service is 10


async def silent(reader: Reader, _: Writer) -> None:
    await reader.read()


async def dripping_head(_: Reader, writer: Writer) -> None:
    writer.write(OK)
    while True:
        writer.write(b"X-Drip: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def dripping_body(_: Reader, writer: Writer) -> None:
    writer.write(OK + b"Content-Length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def always_continuing(_: Reader, writer: Writer) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("behave", [silent, dripping_head, dripping_body, always_continuing])
async def test_who_never_comes_to_an_end_is_left_at_the_deadline(
    behave: object, provider_that: ProviderThat, checker_at: CheckerAt
) -> None:
    async with provider_that(behave) as url:
        started = time.monotonic()
        checked = await checker_at(url, DEADLINE).check("SENDGRID", VALUES)
        took = time.monotonic() - started

    assert checked.verdict.outcome == "inconclusive"
    assert checked.verdict.message == "The provider did not answer within {seconds} seconds"
    assert DEADLINE <= took < DEADLINE + 20  # it never comes to an end by itself


@pytest.mark.slow
async def test_the_deadline_of_the_service_is_ten_seconds(
    provider_that: ProviderThat, checker_at: CheckerAt
) -> None:
    async with provider_that(dripping_body) as url:
        started = time.monotonic()
        checked = await checker_at(url, 10.0).check("SENDGRID", VALUES)
        took = time.monotonic() - started

    assert checked.verdict.limits == {"seconds": 10}
    assert 10 <= took < 30


async def endless(_: Reader, writer: Writer) -> None:
    writer.write(OK + b"\r\n")
    while True:
        writer.write(b" " * 65_536)
        await writer.drain()


async def endless_header(_: Reader, writer: Writer) -> None:
    writer.write(OK + b"X-Long: ")
    while True:
        writer.write(b"a" * 65_536)
        await writer.drain()


def that_says(raw: bytes) -> Callable[[Reader, Writer], Awaitable[None]]:
    async def say(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()

    return say


def framed(body: bytes, *headers: bytes) -> bytes:
    lines = [OK, b"Content-Length: %d\r\n" % len(body), *headers, b"\r\n"]
    return b"".join(lines) + body


BOMB = gzip.compress(b" " * 50_000_000 + GOOD)


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(endless_header, id="endless header"),
        pytest.param(that_says(b"\0\xff" * 500), id="no HTTP"),
        pytest.param(that_says(framed(b"<!doctype html><p>mail.send")), id="HTML"),
        pytest.param(that_says(framed(GOOD[:-2])), id="cut JSON"),
        pytest.param(that_says(framed(b"[" * 60_000)), id="deep JSON"),
        pytest.param(that_says(framed(b'{"scopes": "\xff\xfe"}')), id="no UTF-8"),
        pytest.param(that_says(OK + b"Content-Length: 99\r\n\r\n" + GOOD), id="cut off"),
        pytest.param(that_says(OK + b"Content-Length: 5\r\n\r\n" + GOOD), id="length too small"),
        pytest.param(that_says(OK + b"Content-Length: -1\r\n\r\n" + GOOD), id="length below 0"),
        pytest.param(that_says(OK + b"Content-Length: x\r\n\r\n" + GOOD), id="length no number"),
        pytest.param(
            that_says(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + GOOD), id="no chunks"
        ),
        pytest.param(that_says(framed(BOMB, b"Content-Encoding: gzip\r\n")), id="a bomb in gzip"),
        pytest.param(
            that_says(framed(gzip.compress(GOOD), b"Content-Encoding: gzip\r\n")), id="gzip unasked"
        ),
        pytest.param(that_says(OK + b"X-Many: 1\r\n" * 20_000 + b"\r\n"), id="many headers"),
    ],
)
async def test_what_cannot_be_read_says_nothing_about_the_key(
    behave: object, provider_that: ProviderThat, checker_at: CheckerAt
) -> None:
    async with provider_that(behave) as url:
        checked = await checker_at(url, 5.0).check("SENDGRID", VALUES)

    assert checked.verdict.outcome == "inconclusive"
    assert checked.verdict.message == "The provider's answer cannot be read"
    assert checked.latency_ms < 4_000


DOMAINS = [{"Domain": f"{n}.example.com", "More": "x" * 400} for n in range(155)]


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(endless, id="endless"),
        pytest.param(that_says(framed(json.dumps(DOMAINS).encode())), id="155 domains"),
        pytest.param(that_says(framed(GOOD + b" " * 65_536)), id="spaces"),
    ],
)
async def test_a_large_answer_is_said_to_be_so(
    behave: object, provider_that: ProviderThat, checker_at: CheckerAt
) -> None:
    async with provider_that(behave) as url:
        checked = await checker_at(url, 5.0).check("SENDGRID", VALUES)

    assert checked.verdict.outcome == "inconclusive"
    assert checked.verdict.message == "The provider's answer is too large to be read"


@pytest.mark.parametrize("raw", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 O"])
async def test_who_closes_without_an_answer_cannot_be_reached(
    raw: bytes, provider_that: ProviderThat, checker_at: CheckerAt
) -> None:
    async with provider_that(that_says(raw)) as url:
        checked = await checker_at(url).check("SENDGRID", VALUES)

    assert checked.verdict.message == "The provider cannot be reached"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "The provider cannot be reached"),
        (OK + b"Content-Length: 1000\r\n\r\n{", "The provider's answer cannot be read"),
    ],
)
async def test_a_reset_before_an_answer_is_none_and_a_later_one_cuts_it(
    raw: bytes, message: str, provider_that: ProviderThat, checker_at: CheckerAt
) -> None:
    async def reset(reader: Reader, writer: Writer) -> None:
        await that_says(raw)(reader, writer)
        await asyncio.sleep(0.1)  # so that the answer begins before
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with provider_that(reset) as url:
        checked = await checker_at(url).check("SENDGRID", VALUES)

    assert checked.verdict.message == message


async def test_a_provider_that_is_not_there_cannot_be_reached(checker_at: CheckerAt) -> None:
    checked = await checker_at("http://127.0.0.1:9").check("SENDGRID", VALUES)

    assert checked.verdict.message == "The provider cannot be reached"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of this machine that nobody vouches for, in a file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([]), datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    dated = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    made = dated.add_extension(address, critical=True).sign(key, SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path / "certificate.pem"
    file.write_bytes(pem + made.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(
    ("trusted", "outcome", "message"),
    [
        (False, "inconclusive", "The provider's certificate is not trusted; "),
        (True, "ok", "The provider accepts the credentials"),
    ],
)
async def test_a_certificate_is_trusted_that_ssl_cert_file_names(  # noqa: PLR0913 — the row
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    providers: Mapping[str, ProviderFile],
    *,
    trusted: bool,
    outcome: str,
    message: str,
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = await asyncio.start_server(that_says(framed(GOOD)), "127.0.0.1", 0, ssl=context)
    urls = {"SENDGRID": f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"}

    async with server:
        checked = await CredentialChecker(providers, ProviderClient(), urls).check(
            "SENDGRID", VALUES
        )

    assert checked.verdict.outcome == outcome
    assert checked.verdict.message.startswith(message)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(
    status: int, provider_that: ProviderThat, checker_at: CheckerAt
) -> None:
    asked: list[bytes] = []

    async def redirect(reader: Reader, writer: Writer) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 %d R\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n" % status)

    async with provider_that(redirect) as url:
        checked = await checker_at(url).check("SENDGRID", VALUES)

    assert checked.verdict.outcome == "inconclusive"
    assert {head.split(b" ")[1] for head in asked} == {b"/v3/scopes"}


async def test_proxies_and_netrc_of_the_environment_do_not_count(
    provider_that: ProviderThat,
    checker_at: CheckerAt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    async with provider_that(that_says(framed(GOOD))) as url:
        checked = await checker_at(url).check("SENDGRID", VALUES)

    assert checked.verdict.outcome == "ok"


async def test_no_cookie_goes_from_one_check_into_another(
    provider_that: ProviderThat, checker_at: CheckerAt
) -> None:
    asked: list[bytes] = []

    async def set_cookie(reader: Reader, writer: Writer) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(framed(GOOD, b"Set-Cookie: session=of-the-first; Path=/\r\n"))
        await writer.drain()

    async with provider_that(set_cookie) as url:
        checker = checker_at(url)
        await checker.check("SENDGRID", VALUES)
        await checker.check("SENDGRID", VALUES)

    assert len(asked) == 2
    assert b"of-the-first" not in b"".join(asked)


async def test_question_and_answer_do_not_show_what_they_hold(
    provider_that: ProviderThat, client: ProviderClient
) -> None:
    async with provider_that(that_says(framed(b'"from the provider"'))) as url:
        question = ProviderRequest(
            method="GET", url=url, headers={"X-Key": "the key"}, body=b"the key"
        )
        answer = await client.request(question)

    assert answer.content == "from the provider"
    assert "provider" not in repr(answer)
    assert "key" not in repr(question)
