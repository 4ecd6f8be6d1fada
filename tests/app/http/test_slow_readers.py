"""Clients that do not read, that ask without end, and that are too many, over real sockets."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing, suppress
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from app.http import protocol as wire
from app.http.protocol import GuardedHttpProtocol, close_connections_that_do_not_read
from app.server import open_listener

LARGE = 16 * 1024 * 1024  # bytes: more than the system's buffers take
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SHORT = b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
# The system's time goes on while a busy machine lets us stand still for a second.
MAY_STAND_STILL = pytest.mark.parametrize("server", [2.5], indirect=True)
Server = tuple[Any, ServerState]
Connect = Callable[[], socket.socket]


async def app(scope: Any, _: Any, send: Any) -> None:
    """Answer 200 with many bytes at /, with few anywhere else."""
    body = b"x" * (LARGE if scope["path"] == "/" else 1)
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def server(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncGenerator[Server]:
    """A server whose clients must take something within a second: its socket and its state."""
    monkeypatch.setattr(wire, "READ_TIMEOUT", getattr(request, "param", 1.0))
    config = uvicorn.Config(
        app, http=GuardedHttpProtocol, ws="none", lifespan="off", log_config=None
    )
    config.load()
    state, listener = ServerState(), socket.create_server(("127.0.0.1", 0))
    close_connections_that_do_not_read(listener)
    server = await asyncio.get_running_loop().create_server(
        lambda: GuardedHttpProtocol(config, state, {}), sock=listener
    )
    yield listener.getsockname(), state
    server.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect to the server; the system keeps little for a client that does not read."""
    opened: list[socket.socket] = []

    def connection() -> socket.socket:
        opened.append(socket.socket())
        opened[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        opened[-1].settimeout(0)
        return opened[-1]

    yield connection
    for each in opened:
        each.close()


async def ask(server: Server, connect: Connect, request: bytes) -> socket.socket:
    """Send *request* over a new connection; return it."""
    loop, connection = asyncio.get_running_loop(), connect()
    await loop.sock_connect(connection, server[0])
    await loop.sock_sendall(connection, request)
    return connection


async def until(condition: Callable[[], bool], seconds: float = 60) -> float:
    """Wait until *condition* holds; return how many seconds it took."""
    started = time.monotonic()
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 — on what uvicorn keeps, which tells nobody
            await asyncio.sleep(0.05)
    return time.monotonic() - started


@pytest.mark.parametrize(
    "request_",
    [ASK, ASK * 6, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
    ids=["one", "six, pipelined", "the last"],
)
async def test_a_client_that_never_reads_is_disconnected(
    server: Server, connect: Connect, request_: bytes
) -> None:
    _, state = server
    for _ in range(20):
        await ask(server, connect, request_)
    await until(lambda: state.total_requests >= 20)  # on a busy machine some are gone by then

    await until(lambda: not state.connections)

    await until(lambda: not state.tasks)  # nobody waits to send the rest


@MAY_STAND_STILL
async def test_a_client_that_reads_slowly_gets_all(server: Server, connect: Connect) -> None:
    connection, received, loop = await ask(server, connect, ASK), 0, asyncio.get_running_loop()
    started = time.monotonic()

    while received < LARGE:
        received += len(await loop.sock_recv(connection, LARGE // 16))
        if time.monotonic() - started < 4:  # more than the time of one that takes nothing
            await asyncio.sleep(0.1)

    assert received > LARGE
    assert time.monotonic() - started >= 4


@MAY_STAND_STILL
@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"], ids=["kept alive", "the last"])
async def test_a_client_that_takes_a_little_now_and_then_is_disconnected(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch, last: bytes
) -> None:
    monkeypatch.setattr(wire, "MIN_RATE", LARGE)
    monkeypatch.setattr(wire, "POLL_INTERVAL", 0.05)
    _, state = server
    connection = await ask(server, connect, ASK[:-2] + last + b"\r\n")
    loop, started, received = asyncio.get_running_loop(), time.monotonic(), 0

    while state.connections or not received:
        assert time.monotonic() - started < 60
        with suppress(ConnectionResetError):
            received += len(await loop.sock_recv(connection, 4_096))
        await asyncio.sleep(0.02)

    assert received < LARGE / 4
    assert time.monotonic() - started > wire.READ_TIMEOUT + 0.5  # and 1 s for its size at that rate


async def test_requests_that_wait_are_limited_and_answered(
    server: Server, connect: Connect
) -> None:
    connection = await ask(server, connect, SHORT * 2_000)

    received = await read_all(connection)

    answered = received.count(b"HTTP/1.1 200 OK")
    assert wire.MAX_PIPELINED <= answered <= wire.MAX_PIPELINED + 1
    assert received.count(b"connection: close") == 1


async def read_all(connection: socket.socket) -> bytes:
    """Return what comes until *connection* is closed."""
    loop, received = asyncio.get_running_loop(), b""
    async with asyncio.timeout(10):
        try:
            while part := await loop.sock_recv(connection, 65_536):
                received += part
        except ConnectionResetError:
            pass
    return received


async def test_one_connection_too_many_is_refused(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_CONNECTIONS", 3)
    _, state = server
    kept = [await ask(server, connect, b"") for _ in range(3)]
    await until(lambda: len(state.connections) == 3)

    refused = await read_all(await ask(server, connect, b""))
    head, _, body = refused.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 1" in head
    assert json.loads(body)["result"]["error"] == "UNAVAILABLE"

    with closing(kept.pop()):
        pass
    await until(lambda: len(state.connections) == 2)
    admitted = await ask(server, connect, b"GET /short HTTP/1.0\r\n\r\n")
    assert (await read_all(admitted)).startswith(b"HTTP/1.1 200 OK")


async def test_the_longest_idle_connection_makes_room_for_another(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_CONNECTIONS", 9)
    _, state = server
    for request in (b"", b"GET /sh", SHORT + b"GET /sh"):
        await ask(server, connect, request)
    await until(lambda: state.total_requests == 1)
    assert idle(state) == []
    waiting: list[GuardedHttpProtocol] = []
    for number in range(6):
        await ask(server, connect, SHORT)
        await until(lambda number=number: len(idle(state)) > number)
        waiting += [each for each in idle(state) if each not in waiting]

    for _ in range(3):
        await ask(server, connect, b"")

    await until(lambda: idle(state) == waiting[3:])
    assert len(state.connections) == 9


@pytest.mark.parametrize("server", [30.0], indirect=True)
async def test_a_connection_whose_client_does_not_read_makes_no_room(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_CONNECTIONS", 3)
    _, state = server
    for _ in range(3):
        await ask(server, connect, ASK)
    await until(lambda: state.total_requests == 3)
    admitted = {*state.connections}

    refused = await read_all(await ask(server, connect, b""))

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert state.connections == admitted
    assert not any(each.transport.is_closing() for each in admitted)


async def test_an_idle_connection_that_breaks_leaves_nothing_behind(
    server: Server, connect: Connect
) -> None:
    _, state = server
    connection = await ask(server, connect, SHORT)
    await until(lambda: len(idle(state)) == 1)
    [broken] = idle(state)

    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    connection.close()

    await until(lambda: not state.connections)
    assert broken.timeout_keep_alive_task is None


def idle(state: ServerState) -> list[GuardedHttpProtocol]:
    """Return the connections that wait for another request, the longest idle one first."""
    connections = cast("set[GuardedHttpProtocol]", state.connections)
    timers = {timer: each for each in connections if (timer := each.idle_timer())}
    return [timers[timer] for timer in sorted(timers)]


def test_the_service_has_the_time_limit() -> None:
    with (
        open_listener("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        connection, _ = listener.accept()
        with connection:
            limit = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert limit == wire.READ_TIMEOUT * 1000
