"""Starting and stopping what is measured: the service and the peer, one worker each."""

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

from tests.benchmarks.http.errors import CannotRunError
from tests.benchmarks.http.peer import FOLDER

HERE = Path(__file__).parent
STARTING = 60.0  # seconds
STOPPING = 15.0
READY = re.compile(r"(?:Listening|running) on (http://[\d.]+:\d+)")
INTEGRATIONS = str(Path(sys.executable).with_name("integrations"))


class Contestant(Struct, frozen=True):
    """A server that answers at `address`."""

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
def ours(
    folder: Path, *prefix: str, database_url: str | None = None, workers: int = 1
) -> Generator[Contestant]:
    """Run our service as a user would; its data and its log are in *folder*."""
    settings = {"INTEGRATIONS_DATA_DIR": str(folder), "INTEGRATIONS_PORT": "0"}
    settings["INTEGRATIONS_WORKERS"] = str(workers)
    if database_url is not None:
        settings["INTEGRATIONS_DATABASE_URL"] = database_url
    with started("ours", [*prefix, INTEGRATIONS, "serve"], settings, folder) as contestant:
        yield contestant


@contextmanager
def peer(
    folder: Path, *prefix: str, uvicorn: Path, public_key: Path, database_url: str
) -> Generator[Contestant]:
    """Run the peer, as its own words say, and with a toggle."""
    options = ("--port", "0", "--loop", "uvloop", "--http", "httptools", "--no-access-log")
    command = [*prefix, str(uvicorn), "toggling_peer:app", "--app-dir", str(HERE), *options]
    settings = {
        "PYTHONPATH": str(FOLDER),
        "PG_DSN": database_url,
        "JWT_PUBLIC_KEY": str(public_key),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with started("peer", command, settings, folder) as contestant:
        yield contestant


@contextmanager
def started(
    name: str, command: Sequence[str], settings: Mapping[str, str], folder: Path
) -> Generator[Contestant]:
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
        yield Contestant(name, address_in(log, process), psutil.Process(process.pid))
    finally:
        stop(process)


def address_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until *process* has written its address into *log*; return it."""
    deadline = time.monotonic() + STARTING
    while not (found := READY.search(log.read_text())):
        if process.poll() is not None or time.monotonic() > deadline:
            message = f"{log.stem} does not start: {log.read_text().strip()[-2000:]}"
            raise CannotRunError(message)
        time.sleep(0.01)
    return found[1]


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop *process*, by force where it does not follow."""
    process.terminate()
    try:
        process.wait(STOPPING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
