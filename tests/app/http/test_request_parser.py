"""Where a request ends is never in doubt: what a proxy could read in another way is refused.

Requests that ask for another protocol, which we do not speak, are read as any others.
"""

import asyncio
import re
import socket
from itertools import pairwise
from typing import Any

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from app.http.protocol import MAX_PIPELINED, GuardedHttpProtocol

Requests = list[tuple[str, str, bytes]]
H2C = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
UPGRADES = {
    "the HttpClient of Java": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n",
    "the HttpClient of Apache": b"Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n",
    "a browser's WebSocket": b"connection: keep-alive, Upgrade\r\nupgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "several lines": b"Connection: a\r\nUpgrade: b\r\nConnection: UPGRADE\r\nUpgrade:\r\n",
    "a client that closes": b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n",
}
BODIES = {
    "no body": b"\r\n",
    "a length": b"Content-Length: 29\r\n\r\nGET /body HTTP/1.1\r\nHost: x\r\n",
    "chunks": b"Transfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\nUpgrade: h2c\r\n\r\n",
}
POST = b"POST /one?a=b HTTP/1.1\r\nHost: x\r\n"
LAST = b"DELETE /last HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


async def handle(*parts: bytes) -> tuple[Requests, bytes]:
    """Receive *parts* on a connection; return the requests that were read, and what was sent."""
    requests: Requests = []
    config = uvicorn.Config(recorder(requests), ws="none", lifespan="off", log_config=None)
    config.load()
    near, far = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_accepted_socket(
        lambda: GuardedHttpProtocol(config, ServerState(), {}), near
    )
    for part in parts:
        if not transport.is_closing():
            protocol.data_received(part)
            await asyncio.sleep(0)  # a request that is complete may be answered
    reader, writer = await asyncio.open_connection(sock=far)
    sent = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return requests, sent


def recorder(requests: Requests) -> Any:
    """Return an application that answers 204, and adds each request to *requests*."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        requests.append((scope["method"], scope["path"], body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


STATUS = re.compile(rb"HTTP/1.1 (\d+)")


def without_upgrade(data: bytes) -> bytes:
    """Return *data* with a header that says nothing in place of Upgrade, of the same length."""
    return data.replace(b"Upgrade:", b"Another:").replace(b"upgrade:", b"another:")


# ----- Upgrade is ignored (RFC 9110, 7.8) -----
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES)
async def test_a_request_with_upgrade_keeps_its_body(upgrade: bytes, body: bytes) -> None:
    data = POST + upgrade + body + LAST
    expected = await handle(without_upgrade(data))

    assert expected[0][0][2] in body
    assert await handle(data) == expected
    assert await handle(*(bytes([byte]) for byte in data)) == expected


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_the_bytes_of_a_request_may_be_cut_anywhere(body: bytes) -> None:
    data = POST + H2C + body + LAST
    expected = await handle(data)

    assert len(expected[0]) == 2
    for at in range(1, len(data)):
        assert await handle(data[:at], data[at:]) == expected


async def test_a_body_that_comes_later_is_asked_for_with_100(
    caplog: pytest.LogCaptureFixture,
) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n"

    requests, sent = await handle(head + H2C + b"Connection: close\r\n\r\n", b"a")

    assert requests == [("POST", "/", b"a")]
    assert sent.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 ")
    assert caplog.record_tuples == []  # "No supported WebSocket library detected"


@pytest.mark.parametrize("version", [b"0.9", b"1.0", b"2.0"])
async def test_the_version_of_a_request_stays(version: bytes) -> None:
    data = b"POST / HTTP/" + version + b"\r\n" + H2C + b"Content-Length: 1\r\n\r\na" + LAST

    assert await handle(data) == await handle(without_upgrade(data))


async def test_as_many_requests_with_upgrade_may_wait_as_others() -> None:
    one = b"GET / HTTP/1.1\r\nHost: x\r\n" + H2C + b"\r\n"

    requests, sent = await handle(one * MAX_PIPELINED * 3)

    assert len(requests) == sent.count(b"HTTP/1.1 204 ") == MAX_PIPELINED + 1


LINES = st.sampled_from(
    [
        *(b"Upgrade: h2c", b"Upgrade: a, b", b"Upgrade:", b"Connection: upgrade", b"Connection:"),
        *(b"Connection: keep-alive", b"Connection: close, upgrade", b"Content-Length: 3"),
        *(b"Content-Length: 03", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip"),
        *(b"Transfer-Encoding: xchunked", b"Expect: 100-continue", b"Upgrade : a", b" a", b"a"),
    ]
)
TEXTS = st.sampled_from(
    [b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"0\r\nUpgrade: h2c\r\n\r\n", b"\r"]
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    """Return what a client sends: requests, right and wrong; and where it is cut."""
    data = b""
    for _ in range(draw(st.integers(1, 4))):
        method = draw(st.sampled_from([b"GET", b"POST", b"DELETE", b"get"]))
        version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"]))
        lines = draw(st.lists(LINES, max_size=6))
        head = [method + b" /a HTTP/" + version, b"Host: x", *lines, b"", b""]
        data += b"\r\n".join(head) + draw(TEXTS)
    data += LAST
    cuts = sorted(draw(st.sets(st.integers(1, len(data) - 1), max_size=6)))
    return data, cuts


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """Return the parts of *data*."""
    return [data[start:end] for start, end in pairwise([0, *cuts, len(data)])]


@given(stream=streams())
@settings(max_examples=200, deadline=None)
async def test_no_requests_are_read_in_another_way_with_upgrade(
    stream: tuple[bytes, list[int]],
) -> None:
    data, cuts = stream

    requests, sent = await handle(*cut(data, cuts))
    expected, answers = await handle(*cut(without_upgrade(data), cuts))

    assert requests == expected
    assert STATUS.findall(sent) == STATUS.findall(answers)


# ----- CONNECT, after which no more HTTP comes -----
@pytest.mark.parametrize("target", [b"example.com:443", b"/", b"/en/api/integration", b"*"])
@pytest.mark.parametrize("more", [b"", H2C, b"Content-Length: 99\r\n"])
async def test_a_tunnel_is_refused_and_nothing_behind_it_is_read(
    target: bytes, more: bytes
) -> None:
    tunnel = b"CONNECT " + target + b" HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n" + LAST

    requests, sent = await handle(tunnel)
    assert (requests, STATUS.findall(sent)) == ([], [b"405"])
    assert b"Allow: " in sent

    requests, sent = await handle(POST + b"\r\n" + tunnel, LAST)
    assert (len(requests), STATUS.findall(sent)) == (1, [b"204"])


# ----- What a proxy in front could read in another way (RFC 9112, 11.2) -----
CHUNK = b"\r\n2\r\n{}\r\n0\r\n\r\n"
REFUSED_LINES = (
    b"Content-Length: 2\r\nContent-Length: 2",
    b"Content-Length: 2\r\nContent-Length: 3",
    *(b"Content-Length: " + value for value in (b"2, 2", b"+2", b"2 2", b"0x2", b"", b"-2")),
    b"Content-Length: 2\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 0",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    *(
        b"Transfer-Encoding: " + value
        for value in (
            *(b"xchunked", b"chunkedx", b"chunked, identity", b"identity", b"", b"chunked;q=1"),
            *(b'"chunked"', b"\x0bchunked", b"chunked, chunked", b"\r\n chunked"),
        )
    ),
    *(b"X: a\r\n b", b"X: a\r\n\tb", b"Content-Length:\r\n 2", b" Content-Length: 2"),
    *(b"X: a\nContent-Length: 2", b"X: a\rContent-Length: 2", b"X: a\r", b"X: a\0b"),
    *(b"Content-Length : 2", b"Transfer-Encoding\t: chunked", b": 2", b"Content-Length 2"),
)
READ_LINES = (
    *(b"Content-Length: 2 ", b"Content-Length: 002", b"Transfer_Encoding: chunked"),
    *(b"Transfer-Encoding: CHUNKED", b"Transfer-Encoding: , chunked"),
    b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",  # the application refuses gzip
)


def body_for(line: bytes) -> bytes:
    """Return the rest of a request with the header *line*: its body is `{}`, however it comes."""
    return CHUNK if b"Transfer-" in line else b"\r\n{}" if b"Length" in line else b"\r\n"


@pytest.mark.parametrize("line", REFUSED_LINES)
async def test_a_head_that_can_be_read_in_two_ways_is_refused(line: bytes) -> None:
    requests, sent = await handle(POST + line + b"\r\n" + body_for(line) + LAST)

    assert (requests, STATUS.findall(sent)) == ([], [b"400"])


@pytest.mark.parametrize("line", READ_LINES)
async def test_a_head_that_can_be_read_in_one_way_is_read(line: bytes) -> None:
    requests, _ = await handle(POST + line + b"\r\n" + body_for(line) + LAST)

    assert [path for _, path, _ in requests] == ["/one", "/last"]


@pytest.mark.parametrize(
    "chunks",
    [
        *(b"0x2\r\n{}\r\n0\r\n\r\n", b"+2\r\n{}\r\n0\r\n\r\n", b"2 \r\n{}\r\n0\r\n\r\n"),
        *(b"2\n{}\r\n0\r\n\r\n", b"2\r\n{}\n0\r\n\r\n", b"2\r\n{}0\r\n\r\n", b"\r\n2\r\n{}\r\n"),
        *(b"2;a\n{}\r\n0\r\n\r\n", b"2;a\rb\r\n{}\r\n0\r\n\r\n", b"1" + b"0" * 16 + b"\r\n"),
    ],
)
async def test_chunks_that_can_be_read_in_two_ways_end_the_connection(chunks: bytes) -> None:
    requests, sent = await handle(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + LAST)

    assert (requests, STATUS.findall(sent)) == ([], [b"400"])


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (b"POST http://other.example/a HTTP/1.1", "/a"),
        (b"POST http://user@x/a?b HTTP/1.1", "/a"),
        (b"POST  /a HTTP/1.1", "/a"),
        (b"\r\nPOST /a HTTP/1.1", "/a"),
        *((line, None) for line in (b"POST http://x HTTP/1.1", b"POST x:80 HTTP/1.1")),
        *((line, None) for line in (b"POST /a#b HTTP/1.1", b"POST /a?b#c HTTP/1.1")),
        *((line, None) for line in (b"POST /a b HTTP/1.1", b"POST /a HTTP/1.1 ")),
        *((line, None) for line in (b"POST \\a HTTP/1.1", b"POST /a HTTP/1.2")),
        *((line, None) for line in (b"POST /a http/1.1", b"POST /a HTTP/1.1\nX: a")),
    ],
)
async def test_a_request_line_is_read_in_one_way_or_refused(line: bytes, path: str | None) -> None:
    requests, sent = await handle(line + b"\r\nHost: x\r\n\r\n" + LAST)

    assert [path for _, path, _ in requests] == ([path, "/last"] if path else [])
    assert STATUS.findall(sent) == ([b"204", b"204"] if path else [b"400"])


async def test_a_request_of_http_1_0_in_chunks_ends_the_connection() -> None:
    """RFC 9112, 6.1: what does not know chunks may have passed it on."""
    head = b"POST /a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n"

    requests, _ = await handle(head + CHUNK + LAST)

    assert requests == [("POST", "/a", b"{}")]
