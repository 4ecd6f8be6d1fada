"""A hostile client: every input gets the error envelope or a clean close, never a 5xx.

Nothing that it sent comes back, and the service stays ready and small.
"""

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzzing.mutation import CANARY, mutate
from tests.support.service import Service

Exchange = Callable[..., list[dict[str, Any]]]
PATH = b"/en/api/integration"
CREATE = b'{"name":"n","type":"SENDGRID","channel":"EMAIL"%s}'
LIMIT = 64 * 1024  # bytes of a body
PATIENCE = 0.4  # seconds in which an answer to a whole request is there


@pytest.fixture
def token(service: Service) -> bytes:
    """The header with the token of a workspace of this test alone."""
    with service.caller("worst-client") as client:
        return b"Authorization: " + client.headers["authorization"].encode() + b"\r\n"


@pytest.fixture
def exchange(service: Service) -> Exchange:
    """Send bytes over a new connection; return the answers, after a look at each of them."""
    host, port = service.address.removeprefix("http://").split(":")

    def send(data: bytes, patience: float = 10.0) -> list[dict[str, Any]]:
        with socket.create_connection((host, int(port)), timeout=patience) as connection:
            return [seen(answer) for answer in answers_in(connection, data)]

    return send


def answers_in(connection: socket.socket, data: bytes) -> Iterator[dict[str, Any]]:
    """Send *data* and yield every whole answer, until the connection is closed or quiet."""
    received = b""
    try:
        connection.sendall(data)
        while part := connection.recv(65_536):
            received += part
            while answer := answer_at_start(received):
                received = received[answer["size"] :]
                yield answer
    except (TimeoutError, ConnectionResetError, BrokenPipeError):
        pass
    assert received == b"", received[:200]


def answer_at_start(received: bytes) -> dict[str, Any] | None:
    """Return the answer that *received* begins with, None where it is not whole yet."""
    head, end, rest = received.partition(b"\r\n\r\n")
    if not end:
        return None
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    length = int(headers.get("content-length", 0))
    body = rest[:length]
    if len(body) < length:
        return None
    size = len(head) + 4 + length
    return {"status": int(status.split()[1]), "headers": headers, "body": body, "size": size}


def seen(answer: dict[str, Any]) -> dict[str, Any]:
    """Return *answer*; an error must be the envelope, and nothing of ours is to blame."""
    headers, status = answer["headers"], answer["status"]
    assert status < 500, answer
    assert CANARY not in answer["body"] + repr(headers).encode()
    if status == 100:
        return answer
    assert "x-request-id" in headers
    if status >= 400 and answer["body"]:  # a HEAD has none
        result = json.loads(answer["body"])["result"]
        assert result["requestId"] == headers["x-request-id"]
        assert (result["data"], result["status"]) == (None, status)
        assert {"error", "message"} < result.keys()
    return answer


def post(token: bytes, body: bytes, *more: bytes) -> bytes:
    """Return a request that creates an integration from *body*."""
    length = b"Content-Length: %d\r\n" % len(body)
    return head(b"POST", PATH, token, JSON, length, *more) + body


def get(token: bytes, path: bytes = PATH, *more: bytes) -> bytes:
    """Return a request for *path*."""
    return head(b"GET", path, token, *more)


def head(method: bytes, path: bytes, *lines: bytes) -> bytes:
    """Return the head of a request, after which the connection is closed."""
    start = method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n"
    return start + b"".join(lines) + b"Connection: close\r\n\r\n"


JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


# ----- Bodies -----
@pytest.mark.parametrize(("size", "status"), [(LIMIT - 1, 201), (LIMIT, 201), (LIMIT + 1, 413)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_has_at_most_64_kib(
    exchange: Exchange, token: bytes, size: int, status: int, *, chunked: bool
) -> None:
    body = CREATE % b"" + b" " * (size - len(CREATE % b""))
    request = post(token, body)
    if chunked:
        request = head(b"POST", PATH, token, JSON, CHUNKED)
        request += b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)

    [answer] = exchange(request)

    assert answer["status"] == status


@pytest.mark.parametrize(
    "body",
    [
        CREATE % (b',"' + CANARY + b'":1'),
        CREATE % (b',"apiKey":' + b"9" * 60_000),
        CREATE % b',"apiKey":"\\ud800"',
        CREATE % b',"apiKey":"\xed\xa0\x80"',
        CREATE % b',"senderName":"\\u0000"',
        CREATE % (b',"senderEmail":"' + CANARY + b"@" * 9_000 + b'"'),
        CREATE % (b',"apiKey":' + b"[" * 30_000 + b"]" * 30_000),
        CREATE % (b"".join(b',"k%d":1' % number for number in range(6_000))),
        CREATE % b"" + CREATE % b"",
    ],
    ids=lambda body: str(body[:60]),
)
def test_a_wrong_body_is_refused(exchange: Exchange, token: bytes, body: bytes) -> None:
    [answer] = exchange(post(token, body))

    assert answer["status"] == 400


# ----- Heads -----
@pytest.mark.parametrize(
    "path",
    [
        *(b"/%ff", b"/%00/api", b"/%ED%A0%80", b"/en/../..", b"/en/..%2f..", b"//" * 9_000, b"*"),
        *(b"/en/api/integration/" + b"%F0%9F" * 9_000, b"/" + CANARY, b"?" * 50, b"/%", b"/%zz"),
        *(b"/en/api/integration/int_" + b"7" * 26, b"/en/api/integration/int_%00", b"/\\en"),
        *(
            PATH + b"?%ff=%fe",
            PATH + b"?q=%00",
            PATH + b"?q=%ED%A0%80",
            PATH + b"?" + b"&" * 60_000,
        ),
        PATH + b"?cursor=" + b"A" * 60_000,
        PATH + b"?" + b"&".join(b"p%d=1" % number for number in range(6_000)),
        PATH + b"?asOf=0001-01-01T00:00%2B23:59&limit=" + b"9" * 5_000,
        b"/en/api/history-log?startDate=0001-01-01&endDate=9999-12-31T23:59-23:59&userId=%ff",
        b"/en/api/audit/proof/inclusion?position=999999999999999999",
    ],
    ids=lambda path: str(path[:60]),
)
def test_a_random_path_or_query_gets_a_response(
    exchange: Exchange, token: bytes, path: bytes
) -> None:
    [answer] = exchange(get(token, path))

    assert 200 <= answer["status"] < 500


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"X: %d\r\n" % 1 * 3_000,
            b"X-Filler: " + b"a" * 60_000 + b"\r\n",
            b"X" * 60_000 + b": 1\r\n",
        ),
        *(
            b"Authorization: Bearer a.b.c\r\n",
            b"Authorization: \xff\xfe\r\n",
            b"Authorization:\r\n",
        ),
        b"Authorization: Bearer " + b"a" * 60_000 + b"\r\n",
        b'If-None-Match: "' + b'","' * 9_000 + b"\r\nIf-None-Match: \xff\r\n",
        b"If-Match: " + b'W/"' * 9_000 + b"\r\n",
        b"Prefer: " + b'a;"\\' * 9_000 + b"\r\nPrefer: handling=strict\r\n",
        b"Accept: " + b"*/*;q=\xff," * 5_000 + b"\r\nAccept-Language: \xff\r\n",
        b"Idempotency-Key: \xff\r\nIdempotency-Key: a\r\n",
        b"Content-Type: application/json; charset=\xff\r\nContent-Type: text/plain\r\n",
        b"Cookie: " + b"a=b;" * 9_000 + b"\r\n",
        b"X-Forwarded-For: " + CANARY + b"\r\nForwarded: for=" + CANARY + b"\r\n",
        b"X-Request-Id: " + CANARY + b"\r\n",
        b"Expect: 100-continue\r\n",
        b"Expect: " + CANARY + b"\r\n",
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AA==\r\n",
        b"Upgrade: h2c\r\nConnection: Upgrade\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        b"Range: bytes=0-,-1,\xff\r\nTE: trailers\r\nContent-Encoding: gzip\r\n",
    ],
    ids=lambda line: str(line[:60]),
)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_random_header_gets_a_response(
    exchange: Exchange, token: bytes, method: bytes, line: bytes
) -> None:
    body = CREATE % b""
    request = post(token, body, line) if method == b"POST" else get(token, PATH, line)

    answers = exchange(request)

    assert len([answer for answer in answers if answer["status"] != 100]) == 1


# ----- Framing -----
@pytest.mark.parametrize(
    "frame",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 99999999999999999999999\r\n\r\n{}",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"Content-Length: 0x2\r\n\r\n{}",
        b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2;" + b"e" * 300_000 + b"\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"Trailer-Of-Mine: 1\r\n" * 90_000 + b"\r\n",
        b"Folded: a\r\n b\r\n\tc\r\n\r\n",
        b"Name : value\r\n\r\n",
        b": nameless\r\n\r\n",
    ],
    ids=lambda frame: str(frame[:60]),
)
def test_a_broken_frame_is_refused_or_read_as_intended(
    exchange: Exchange, token: bytes, frame: bytes
) -> None:
    request = (
        b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\n" + token + JSON + b"Connection: close\r\n"
    )

    answers = exchange(request + frame)

    assert [answer["status"] for answer in answers] in ([400], [413], [415])


def test_bytes_after_a_body_do_not_replace_its_response(exchange: Exchange, token: bytes) -> None:
    body = CREATE % b""
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    lying = b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\n" + token + JSON + length + body

    answers = exchange(lying + CANARY)

    assert [answer["status"] for answer in answers] == [201]
    assert answers[0]["headers"]["connection"] == "close"


def test_pipelined_requests_get_responses_in_order(exchange: Exchange, token: bytes) -> None:
    one = b"GET /%s HTTP/1.1\r\nHost: x\r\nX-Request-Id: %d\r\n" + token + b"\r\n"
    paths = [b"health/live" if number % 2 else b"nowhere" for number in range(60)]

    answers = exchange(
        b"".join(one % pair for pair in zip(paths, range(60), strict=True)) + get(token)
    )

    assert [a["headers"]["x-request-id"] for a in answers[:-1]] == [str(n) for n in range(60)]
    assert [answer["status"] for answer in answers[:2]] == [404, 200]


# ----- Whatever it is -----
@given(seed=st.integers(0, 2**32), number=st.integers(0, 4))
@settings(
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_bytes_cause_a_server_error(
    exchange: Exchange, token: bytes, seed: int, number: int
) -> None:
    template = [
        post(token, CREATE % (b',"apiKey":"' + CANARY + b'"'), b"Idempotency-Key: k\r\n"),
        get(token, PATH + b"?limit=2&sort=-name&q=" + CANARY, b'If-None-Match: "1"\r\n'),
        head(b"POST", PATH, token, JSON, CHUNKED) + b"2\r\n{}\r\n0\r\n\r\n",
        head(
            b"PATCH", PATH + b"/int_01jmhbnh5sexrt0p1k7vtm4ttz", token, JSON, b'If-Match: "1"\r\n'
        ),
        get(token, b"/en/api/history-log?limit=1&action=INTEGRATION_ADDED"),
    ][number]
    words = (
        b"\r\n",
        b"\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 9\r\n",
        b"/",
    )

    exchange(mutate(template, words, seed), PATIENCE)


# ----- Slow and many -----
def test_the_service_stays_ready_and_small(
    service: Service, exchange: Exchange, token: bytes
) -> None:
    bad = [
        post(token, b"[" * 60_000),
        post(token, CREATE % (b',"apiKey":"' + b"k" * 60_000 + b'"')),
        get(token, PATH + b"?" + b"&".join(b"p%d=1" % n for n in range(5_000))),
        b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000,
        head(b"POST", PATH, token, JSON, CHUNKED) + b"FFFF\r\n" + b"a" * 0xFFFF + b"\r\n0\r\n\r\n",
    ]
    memory = psutil.Process(service.process.pid).memory_info
    with ThreadPoolExecutor(8) as clients:
        list(clients.map(exchange, bad * 8))
        before = memory().rss
        list(clients.map(exchange, bad * 40))

    assert memory().rss - before < 16 * 1024 * 1024
    assert httpx2.get(f"{service.address}/health/ready").status_code == 200
