"""What cannot be read as HTTP is refused, and found in the log by its id."""

import json
import socket

import httpx2
import pytest

from tests.support.service import Service


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("GET /en/api/integration?q=Zürich HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("FOO / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        ("\x16\x03\x01 TLS, and no HTTP\r\n\r\n", 405),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 405),
        ("GET / HTTP/1.1\r\nHost x\r\n\r\n", 400),
    ],
)
def test_the_log_has_one_line_with_the_id_and_nothing_of_the_request(
    service: Service, sent: str, status: int
) -> None:
    written = service.log_file.stat().st_size
    url = httpx2.URL(service.address)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(sent.encode())
        response = connection.makefile("rb").read()

    head, body = response.split(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    request_id = json.loads(body)["result"]["requestId"]
    with service.log_file.open() as log:
        log.seek(written)
        lines = [json.loads(line) for line in log]
    (line,) = [each for each in lines if each.get("source") in ("uvicorn.error", "access")]
    assert {name: line[name] for name in ("source", "event", "status", "request_id")} == {
        "source": "access",
        "event": "unread_request",
        "status": status,
        "request_id": request_id,
    }
    assert line.keys() <= {"source", "event", "status", "request_id", "level", "timestamp"}
