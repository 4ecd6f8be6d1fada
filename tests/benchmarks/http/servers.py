"""Starts and stops the servers that are measured: the service and the peer, one worker each."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from msgspec import Struct

from tests.benchmarks.errors import CannotRunError
from tests.benchmarks.http.peer import FOLDER

HERE = Path(__file__).parent
START_TIMEOUT = 60.0  # seconds
STOP_TIMEOUT = 15.0
READY = re.compile(r"(?:Listening|running) on (http://[\d.]+:\d+)")
INTEGRATIONS = str(Path(sys.executable).with_name("integrations"))


class Server(Struct, frozen=True):
    """A server that listens at `address`."""

    name: str
    address: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return how long its process has computed so far."""
        times = self.process.cpu_times()
        return times.user + times.system

    def memory(self) -> float:
        """Return how much memory its process holds, in MB."""
        return self.process.memory_info().rss / 1e6


@contextmanager
def start_ours(
    folder: Path, *prefix: str, database_url: str | None = None, workers: int = 1,
    name: str = "ours", program: str = INTEGRATIONS,
) -> Generator[Server]:  # fmt: skip
    """Run our service, or *program* of another checkout; its data and its log are in *folder*."""
    settings = {"INTEGRATIONS_DATA_DIR": str(folder), "INTEGRATIONS_PORT": "0"}
    settings["INTEGRATIONS_WORKERS"] = str(workers)
    if database_url is not None:
        settings["INTEGRATIONS_DATABASE_URL"] = database_url
    with run_server(name, [*prefix, program, "serve"], settings, folder) as server:
        yield server


@contextmanager
def start_peer(
    folder: Path, *prefix: str, uvicorn: Path, public_key: Path, database_url: str
) -> Generator[Server]:
    """Run the peer as its README says, with a toggle added."""
    options = ("--port", "0", "--loop", "uvloop", "--http", "httptools", "--no-access-log")
    command = [*prefix, str(uvicorn), "peer_with_toggle:app", "--app-dir", str(HERE), *options]
    settings = {
        "PYTHONPATH": str(FOLDER),
        "PG_DSN": database_url,
        "JWT_PUBLIC_KEY": str(public_key),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with run_server("peer", command, settings, folder) as server:
        yield server


@contextmanager
def run_server(
    name: str, command: Sequence[str], settings: Mapping[str, str], folder: Path
) -> Generator[Server]:
    """Run *command* until the end of the block.

    Raises:
        CannotRunError: it does not start; the message holds what it wrote.
    """
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    log = folder / f"{name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env={**inherited, **settings}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield Server(name, address_in(log, process), psutil.Process(process.pid))
    finally:
        stop(process)


def address_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until *process* has written its address into *log*; return it."""
    deadline = time.monotonic() + START_TIMEOUT
    while not (found := READY.search(log.read_text())):
        if process.poll() is not None or time.monotonic() > deadline:
            message = f"{log.stem} does not start: {log.read_text().strip()[-2000:]}"
            raise CannotRunError(message)
        time.sleep(0.01)
    return found[1]


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop *process*, with SIGKILL if it does not end."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
