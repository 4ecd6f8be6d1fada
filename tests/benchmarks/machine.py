"""The machine that measures: its two cores, what it is, and how busy."""

import os
import platform
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import psutil
import psycopg

from tests.benchmarks.errors import CannotRunError

OURS = ("litestar", "msgspec", "psycopg", "uvicorn")


class Cores(NamedTuple):
    """Which core runs the servers that are measured, and which the database and the load."""

    servers: int
    load: int


def two_cores() -> Cores:
    """Return two cores that we may use. Raises CannotRunError: there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < len(Cores._fields):
        message = "two processor cores are needed: one for the server, one for database and load"
        raise CannotRunError(message)
    return Cores(*allowed[:2])


def pin_to_cores(cores: Iterable[int], dsn: str) -> None:
    """Let us, and the server of *dsn* with the children that it will have, run on *cores* alone."""
    with psycopg.connect(dsn) as connection:
        server = psutil.Process(psutil.Process(connection.info.backend_pid).ppid())
    for process in (psutil.Process(), server, *server.children()):
        with suppress(psutil.NoSuchProcess):  # a worker of PostgreSQL that has just ended
            process.cpu_affinity([*cores])


def description(postgresql: str, peer: str | None = None) -> str:
    """Return in one paragraph what was measured where, *peer* being its versions."""
    ours = ", ".join(f"{name} {version(name)}" for name in OURS)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cpu()}, {os.cpu_count()} cores,"
        f" Linux {'.'.join(platform.release().split('.')[:2])}, Python {platform.python_version()},"
        f" PostgreSQL {postgresql} (embedded, durable).\n"
        f"Ours: {ours}." + (f"\nPeer: {peer}." if peer else "")
    )


def cpu() -> str:
    """Return what the processor calls itself."""
    named = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return named[1].strip() if named else platform.machine()
