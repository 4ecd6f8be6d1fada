"""The protocol below the application, over real sockets, with short timeouts."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from app.http import protocol as wire
from app.http.protocol import MAX_FRAMING, GuardedHttpProtocol

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Any]
POST = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERED_IN = 0.4  # seconds


async def app(_: Any, receive: Any, send: Any) -> None:
    """Read the body, wait a moment, and answer 200; a client that left gets nothing."""
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.request":
        await answer(send)


async def answer(send: Any) -> None:
    """Answer 200, a little later."""
    await asyncio.sleep(ANSWERED_IN)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a client less time for a request than its response takes."""
    monkeypatch.setattr(wire, "REQUEST_TIMEOUT", ANSWERED_IN / 2)
    monkeypatch.setattr(wire, "POLL_INTERVAL", 0.05)


@pytest.fixture
async def connect() -> AsyncGenerator[Connect]:
    """Connect to a server."""
    config = uvicorn.Config(
        app, http=GuardedHttpProtocol, ws="none", lifespan="off", log_config=None
    )
    config.load()
    writers: list[asyncio.StreamWriter] = []

    async def connection() -> Connection:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writers.append(writer)
        return reader, writer

    server = await asyncio.get_running_loop().create_server(
        lambda: GuardedHttpProtocol(config, ServerState(), {}), "127.0.0.1", 0
    )
    yield connection
    for writer in writers:
        writer.close()
    server.close()


@pytest.mark.usefixtures("short_timeout")
@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\nX: ", b"x"),
        (POST, b"0"),
        (POST + b"FFFF\r\n", b"a"),
        (POST + b"1\r\na\r\n0\r\nTrailer: ", b"t"),
    ],
)
async def test_a_client_that_never_completes_its_request_is_disconnected(
    connect: Connect, beginning: bytes, drop: bytes
) -> None:
    reader, writer = await connect()

    writer.write(beginning)
    dripping = asyncio.create_task(drip(writer, drop))

    with suppress(ConnectionResetError):  # of what was sent too late
        assert await asyncio.wait_for(reader.read(), 60) == b""
    dripping.cancel()


async def drip(writer: asyncio.StreamWriter, drop: bytes) -> None:
    """Send *drop* now and then."""
    while not writer.is_closing():
        writer.write(drop)
        await asyncio.sleep(0.02)


@pytest.mark.usefixtures("short_timeout")
async def test_a_response_may_take_longer_than_the_request_timeout(connect: Connect) -> None:
    reader, writer = await connect()

    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 200 OK")


async def test_a_connection_can_be_reused(connect: Connect) -> None:
    reader, writer = await connect()

    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"X: " + b"a" * 60_000, b"200 OK"),
        (b"X: " + b"a" * 120_000, b"400 Bad Request"),
        (b"X" * 120_000 + b": a", b"400 Bad Request"),
        (b"\r\n".join([b"X: a"] * 98), b"200 OK"),
        (b"\r\n".join([b"X: a"] * 99), b"400 Bad Request"),
        (b"\r\n".join([b"X: a"] * 13_000), b"400 Bad Request"),
        (b"Cookie: " + b"a=b;" * 30_000, b"400 Bad Request"),
    ],
    ids=lambda value: str(value[:20]),
)
async def test_a_head_that_comes_at_once_is_limited_too(
    connect: Connect, line: bytes, status: bytes
) -> None:
    reader, writer = await connect()

    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + line + b"\r\n\r\n")

    answers = await asyncio.wait_for(reader.read(), 60)
    assert answers.startswith(b"HTTP/1.1 " + status)
    assert answers.count(b"HTTP/1.1") == 1


async def test_a_long_path_that_comes_at_once_is_refused(connect: Connect) -> None:
    reader, writer = await connect()

    writer.write(b"GET /" + b"a" * 120_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 400 Bad Request")


@pytest.mark.parametrize("endless", [b"1;" + b"e" * 999, b"0\r\nT: " + b"t" * 999])
async def test_chunk_framing_and_trailers_are_limited(connect: Connect, endless: bytes) -> None:
    reader, writer = await connect()

    writer.write(POST + endless + b"e" * MAX_FRAMING)

    assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 400 Bad Request")


async def test_a_large_body_passes_even_byte_by_byte(connect: Connect) -> None:
    reader, writer = await connect()

    writer.write(POST + b"1\r\na\r\n" * 65_536 + b"0\r\n\r\n")

    assert b" 200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
