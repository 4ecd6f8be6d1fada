"""No request may fail unnoticed."""

import shutil
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest

from tests.benchmarks.errors import FailedRequestsError
from tests.benchmarks.http.load import probe, run_round, write_requests
from tests.benchmarks.http.scenarios import ON_OFF, Request
from tests.benchmarks.http.servers import Server
from tests.support.serving import Quiet

needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None, reason="wrk is missing: apt-get install -y wrk"
)


bodies: dict[str, list[bytes]] = {}  # by path, as they came


class Echo(Quiet, BaseHTTPRequestHandler):
    """Answers with the status that the path names, and 400 if the token or body is lost."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if body:
            bodies.setdefault(self.path, []).append(body)
        as_sent = self.headers["authorization"] == "Bearer t" and body in (
            b"",
            b'{"a":1}',
            *ON_OFF.values(),
        )
        self.send_response(int(self.path[-3:]) if as_sent else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer  # noqa: N815 — the library's names


@pytest.fixture
def server() -> Generator[Server]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield Server("echo", f"http://127.0.0.1:{server.server_port}", psutil.Process())
        server.shutdown()


GOOD = [Request("GET", "/200", "t"), Request("POST", "/201", "t", b'{"a":1}', 201)]


def test_a_probe_passes_if_each_response_has_its_status(server: Server) -> None:
    probe(server, GOOD)


def test_a_probe_fails_at_a_redirect_which_wrk_would_not_count(server: Server) -> None:
    with pytest.raises(FailedRequestsError, match="GET with 302"):
        probe(server, [Request("GET", "/302", "t")])


@needs_wrk
def test_a_round_sends_whole_requests_and_counts_their_responses(
    server: Server, tmp_path: Path
) -> None:
    write_requests(tmp_path / "requests", GOOD)

    result = run_round(server, tmp_path / "requests", connections=2, seconds=1)

    assert result.rate > 0
    assert 0 < result.p50 <= result.p99 < 1000
    assert 0 < result.cpu < 1e6


@needs_wrk
def test_a_round_continues_after_the_last_one_so_that_each_toggle_changes_something(
    server: Server, tmp_path: Path
) -> None:
    bodies.clear()
    ids = [f"int_{number}/200" for number in range(50)]
    toggles = [Request("POST", f"/{id_}", "t", ON_OFF[on]) for on in (False, True) for id_ in ids]
    write_requests(tmp_path / "requests", toggles)

    for _ in range(2):
        run_round(server, tmp_path / "requests", connections=1, seconds=1)

    assert len(bodies) == len(ids)
    for sent in bodies.values():
        assert sent == [ON_OFF[bool(number % 2)] for number in range(len(sent))]


@needs_wrk
def test_a_round_with_a_failed_request_counts_for_nothing(server: Server, tmp_path: Path) -> None:
    write_requests(tmp_path / "requests", [*GOOD, Request("GET", "/503", "t")])

    with pytest.raises(FailedRequestsError, match="requests failed"):
        run_round(server, tmp_path / "requests", connections=2, seconds=1)
