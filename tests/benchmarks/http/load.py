"""The load: wrk with requests from a file; each response is counted, none may fail."""

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from tests.benchmarks.errors import CannotRunError, FailedRequestsError
from tests.benchmarks.http.scenarios import SEPARATOR, Request
from tests.benchmarks.http.servers import Server

SCRIPT = Path(__file__).with_name("requests.lua")
SAMPLES = 20
TIMEOUT = 30  # seconds that wrk may take beyond its duration


class WrkResult(Struct, frozen=True):
    """What wrk counted; times in microseconds."""

    requests: int
    duration: int
    p50: int
    p99: int
    failed: int


class Round(Struct, frozen=True):
    """One round of one server: requests/s, latencies in ms, CPU µs of the server per request."""

    rate: float
    p50: float
    p99: float
    cpu: float


def require_wrk() -> str:
    """Return where wrk is. Raises CannotRunError: it is not installed."""
    wrk = shutil.which("wrk")
    if wrk is None:
        message = "wrk makes the load and is missing: apt-get install -y wrk"
        raise CannotRunError(message)
    return wrk


def write_requests(file: Path, requests: Sequence[Request]) -> None:
    """Write *requests* for wrk, which begins with the first; see requests.lua."""
    file.write_bytes(b"".join(request.bytes() + SEPARATOR for request in requests))
    Path(f"{file}.sent").unlink(missing_ok=True)


def probe(server: Server, requests: Sequence[Request]) -> None:
    """Send some of *requests* one by one and check the exact status; wrk only counts 400 and above.

    They are the last ones, which leave the data as the first of *requests* expects it.

    Raises:
        FailedRequestsError: one got another status than its own.
    """
    host = urlsplit(server.address).netloc
    with closing(HTTPConnection(host, timeout=TIMEOUT)) as connection:
        for request in requests[-SAMPLES:]:
            connection.request(
                request.method, request.path, request.body or None, request.headers()
            )
            response = connection.getresponse()
            response.read()
            if response.status != request.status:
                message = f"{server.name} answered {request.method} with {response.status}"
                raise FailedRequestsError(message)


def run_round(server: Server, file: Path, connections: int, seconds: int) -> Round:
    """Send the requests in *file* to *server* for *seconds* over *connections*.

    Raises:
        FailedRequestsError: a request failed, or none got a response.
    """
    before = server.cpu_seconds()
    result = run_wrk(server.address, file, connections, seconds)
    cpu = server.cpu_seconds() - before
    if result.failed or not result.requests:
        message = f"{server.name}: {result.failed} of {result.requests} requests failed"
        raise FailedRequestsError(message)
    return Round(
        rate=result.requests / result.duration * 1e6,
        p50=result.p50 / 1e3,
        p99=result.p99 / 1e3,
        cpu=cpu / result.requests * 1e6,
    )


def run_wrk(address: str, file: Path, connections: int, seconds: int) -> WrkResult:
    """Run wrk; return what the last line of its output says."""
    options = f"--threads 1 --connections {connections} --duration {seconds}s --timeout 10s"
    command = [require_wrk(), *options.split(), "--script", str(SCRIPT), address, "--", str(file)]
    finished = subprocess.run(command, check=True, capture_output=True, timeout=seconds + TIMEOUT)
    return msgspec.json.decode(finished.stdout.splitlines()[-1], type=WrkResult)
