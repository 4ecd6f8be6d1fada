import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event

import pytest

from app.tokens import jwks_url as jwks_fetch
from app.tokens.errors import JwksError, UnauthorizedError, UnknownKeyError
from app.tokens.jwks_url import JwksUrl
from app.tokens.verifier import TokenVerifier
from tests.support.serving import Quiet, serving
from tests.support.waiting import until

Json = dict[str, object]


class Issuer(ThreadingHTTPServer):
    """Serves a JWKS on a free port of the loopback; tests change what it does."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}/jwks.json"
        self.keys: list[Json] = []
        self.behaviour = "good"
        self.requests = 0
        self.release = Event()


class Answer(Quiet, BaseHTTPRequestHandler):
    @property
    def issuer(self) -> Issuer:
        assert isinstance(self.server, Issuer)
        return self.server

    def do_GET(self) -> None:
        issuer = self.issuer
        issuer.requests += 1
        with suppress(OSError):
            getattr(self, issuer.behaviour)(json.dumps({"keys": issuer.keys}).encode())

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def good(self, body: bytes) -> None:
        self.send(body)

    def broken(self, body: bytes) -> None:
        self.send(body, status=500)

    def html(self, _: bytes) -> None:
        self.send(b"<html>Sign in</html>")

    def huge(self, body: bytes) -> None:
        self.send(body + b" " * 70_000)

    def endless(self, _: bytes) -> None:
        self.send(b"{")
        while True:
            self.wfile.write(b" " * 65_536)

    def redirect(self, _: bytes) -> None:
        self.send(b"", status=302, Location="/elsewhere")

    def cut_off(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + 10))
        self.end_headers()
        self.wfile.write(body)

    def silent(self, _: bytes) -> None:
        self.issuer.release.wait(10)

    def held(self, body: bytes) -> None:
        self.issuer.release.wait(10)
        self.send(body)

    def dripping(self, body: bytes) -> None:
        self.send(b"")
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.issuer.release.wait(0.05)


@pytest.fixture
def issuer(jwks: list[Json]) -> Iterator[Issuer]:
    with serving(Issuer()) as server:
        server.keys = jwks
        yield server
        server.release.set()


@pytest.fixture
async def source(issuer: Issuer, now: list[float]) -> AsyncIterator[JwksUrl]:
    """A started source whose periodic refresh is too far away to matter."""
    source = JwksUrl(issuer.url, refresh_every=3600, clock=lambda: now[0])
    await source.start()
    yield source
    await source.stop()


@pytest.fixture
def verifier(source: JwksUrl, now: list[float]) -> TokenVerifier:
    return TokenVerifier(source, "https://issuer.test", "integrations", clock=lambda: now[0])


@pytest.fixture
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks_fetch, "FETCH_TIMEOUT", 1.0)


def kids(source: JwksUrl) -> list[str | None]:
    trusted = source.keys()
    return [key.kid for key in trusted]


# ----- The start -----
async def test_the_keys_of_a_url_verify_tokens(
    verifier: TokenVerifier, token: Callable[..., str], issuer: Issuer
) -> None:
    for algorithm in ("EdDSA", "ES256", "RS256"):
        assert verifier.verify(f"Bearer {token(algorithm)}").workspace == "canary_ws-1"
    assert issuer.requests == 1


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("broken", "the answer was 500"),
        ("html", "it is no JWKS"),
        ("huge", "larger than 64 KiB"),
        ("endless", "larger than 64 KiB"),
        ("redirect", "the answer was 302"),
        ("cut_off", "RemoteProtocolError"),
    ],
)
async def test_an_endpoint_that_misbehaves_stops_the_start_with_one_line(
    issuer: Issuer, behaviour: str, reason: str
) -> None:
    issuer.behaviour = behaviour
    told = await start_refused(f"{issuer.url}?code=canary#canary")
    assert told.startswith(f"JWKS {issuer.url}: ")
    assert reason in told
    assert issuer.requests == 1


@pytest.mark.usefixtures("short_deadline")
@pytest.mark.parametrize("behaviour", ["silent", "dripping"])
async def test_an_endpoint_that_never_ends_its_answer_stops_the_start(
    issuer: Issuer, behaviour: str
) -> None:
    issuer.behaviour = behaviour
    assert "no whole answer within 1 s" in await start_refused(issuer.url)
    assert issuer.requests == 1


async def test_an_endpoint_that_is_away_stops_the_start(issuer: Issuer) -> None:
    assert "ConnectError" in await start_refused(issuer.url.replace("127.0.0.1", "127.0.0.2"))


async def test_a_set_without_usable_keys_stops_the_start(issuer: Issuer) -> None:
    issuer.keys = [{"kty": "oct", "k": "canary"}]
    told = await start_refused(issuer.url)
    assert told.endswith(
        "it holds no usable key; key 1 is skipped: it is none of Ed25519, P-256 and RSA"
    )


async def start_refused(url: str) -> str:
    source = JwksUrl(url)
    with pytest.raises(JwksError) as raised:
        await source.start()
    await source.stop()
    assert "\n" not in str(raised.value)
    assert "canary" not in str(raised.value)
    return str(raised.value)


# ----- Rotation -----
async def test_a_new_key_is_fetched_for_the_first_token_that_names_it(
    verifier: TokenVerifier, issuer: Issuer, token_naming: Callable[[str], str]
) -> None:
    rotated = "Bearer " + token_naming("2027")
    issuer.keys = [{**issuer.keys[0], "kid": "2027"}]
    with pytest.raises(UnknownKeyError):
        verifier.verify(rotated)
    assert (await verifier.authenticate(rotated)).workspace == "canary_ws-1"
    assert issuer.requests == 2


async def test_made_up_kids_cause_one_fetch_in_30_seconds(
    verifier: TokenVerifier, issuer: Issuer, token_naming: Callable[[str], str], now: list[float]
) -> None:
    async def ask(number: int) -> None:
        with pytest.raises(UnknownKeyError):
            await verifier.authenticate("Bearer " + token_naming(f"made up {number}"))

    await asyncio.gather(*(ask(number) for number in range(50)))
    assert issuer.requests == 2
    now[0] += 29
    await ask(50)
    assert issuer.requests == 2
    now[0] += 1
    await ask(51)
    assert issuer.requests == 3


async def test_one_client_that_leaves_takes_no_keys_from_the_others(
    source: JwksUrl, issuer: Issuer
) -> None:
    issuer.behaviour = "held"
    issuer.keys = issuer.keys[:1]
    first, second = (asyncio.create_task(source.refresh()) for _ in range(2))
    await until(lambda: issuer.requests == 2)
    first.cancel()
    await asyncio.sleep(0)
    issuer.release.set()
    assert await asyncio.wait_for(second, 60)
    assert first.cancelled()
    assert kids(source) == ["EdDSA"]
    assert issuer.requests == 2


async def test_a_revoked_key_stops_working_with_the_next_refresh(
    issuer: Issuer, now: list[float], token: Callable[..., str]
) -> None:
    source = JwksUrl(issuer.url, refresh_every=0.05)
    await source.start()
    verifier = TokenVerifier(source, "https://issuer.test", "integrations", clock=lambda: now[0])
    revoked, kept = f"Bearer {token('EdDSA')}", f"Bearer {token('RS256')}"
    assert verifier.verify(revoked) == verifier.verify(kept)
    issuer.keys = issuer.keys[1:]
    await until(lambda: len(kids(source)) < 3)
    with pytest.raises(UnauthorizedError):
        verifier.verify(revoked)
    assert verifier.verify(kept).workspace == "canary_ws-1"
    await source.stop()


def test_the_usual_refresh_keeps_the_promise_of_a_minute() -> None:
    source = JwksUrl("http://127.0.0.1/")
    assert source.refresh_interval + jwks_fetch.FETCH_TIMEOUT < 60


async def test_the_same_document_gives_the_same_tuple(source: JwksUrl) -> None:
    first = source.keys()
    assert await source.refresh()
    assert source.keys() is first


# ----- Bad days -----
@pytest.mark.usefixtures("short_deadline")
@pytest.mark.parametrize(
    "behaviour", ["broken", "html", "huge", "endless", "redirect", "cut_off", "silent", "dripping"]
)
async def test_an_endpoint_that_misbehaves_later_leaves_the_last_good_keys(
    source: JwksUrl, issuer: Issuer, behaviour: str, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.behaviour = behaviour
    issuer.keys = issuer.keys[:1]
    assert await source.refresh()
    assert issuer.requests == 2
    assert len(kids(source)) == 3
    (told,) = [message for message in caplog.messages if "stay in use" in message]
    assert told.startswith(f"JWKS {issuer.url}: ")


async def test_keys_count_no_more_after_a_day_without_an_answer(
    source: JwksUrl, issuer: Issuer, now: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    issuer.behaviour = "broken"
    now[0] += 24 * 3600
    assert await source.refresh()
    assert len(kids(source)) == 3

    now[0] += 31
    assert kids(source) == []
    assert await source.refresh()
    assert "there was no answer for 24 h, so no token is accepted" in caplog.messages[-1]

    issuer.behaviour = "good"
    now[0] += 31
    assert await source.refresh()
    assert len(kids(source)) == 3


async def test_refreshing_survives_bad_days(issuer: Issuer) -> None:
    source = JwksUrl(issuer.url, refresh_every=0.02)
    await source.start()
    issuer.behaviour = "broken"
    await until(lambda: issuer.requests >= 4)
    issuer.behaviour = "good"
    issuer.keys = issuer.keys[:1]
    await until(lambda: kids(source) == ["EdDSA"])
    await source.stop()


async def test_an_empty_set_shuts_everybody_out(
    verifier: TokenVerifier, source: JwksUrl, issuer: Issuer, token: Callable[..., str]
) -> None:
    issuer.keys = []
    assert await source.refresh()
    with pytest.raises(UnauthorizedError):
        verifier.verify(f"Bearer {token()}")


async def test_a_slow_endpoint_never_stops_the_loop(
    verifier: TokenVerifier, source: JwksUrl, issuer: Issuer, token: Callable[..., str]
) -> None:
    issuer.behaviour = "held"
    waiting = asyncio.create_task(source.refresh())
    for _ in range(20):
        began = time.monotonic()
        verifier.verify(f"Bearer {token()}")
        await asyncio.sleep(0)
        assert time.monotonic() - began < 8  # the answer is held for 10
    assert not waiting.done()
    issuer.release.set()
    assert await waiting


async def test_stopping_ends_a_fetch_under_way(issuer: Issuer) -> None:
    source = JwksUrl(issuer.url, refresh_every=3600)
    await source.start()
    issuer.behaviour = "silent"
    waiting = asyncio.create_task(source.refresh())
    await until(lambda: issuer.requests == 2)
    await asyncio.wait_for(source.stop(), 4)  # the fetch alone would end after 5
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_environment_says_nothing_about_keys(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    source = JwksUrl(issuer.url)
    await source.start()
    assert len(kids(source)) == 3
    await source.stop()
