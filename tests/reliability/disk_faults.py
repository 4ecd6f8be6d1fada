"""Fault 7: no room for data, or for WAL, and room again."""

import os
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from tests.reliability.contention_faults import reading
from tests.reliability.fault import Fault
from tests.reliability.postgres import Postgres
from tests.reliability.service import until
from tests.reliability.trial import Outcome, Trial, trial

NEEDS = "needs root, to mount a tmpfs"
BETWEEN = 15  # acknowledged writes
FULL = 5.0  # seconds a round without room
MEGABYTES = {"base": 96, "pg_wal": 96}
MEGABYTE_OF_WAL = "SELECT pg_logical_emit_message(false, 'faults', repeat('x', 1000000))"
SMALL_WAL = {"min_wal_size": "32MB", "max_wal_size": "48MB"}


class DiskError(Exception):
    """No small disk can be mounted here."""


@contextmanager
def small_disk(megabytes: int) -> Generator[Path]:
    """Yield where a small tmpfs is mounted; raise DiskError where that is not allowed."""
    if os.geteuid() != 0:
        raise DiskError(NEEDS)
    with TemporaryDirectory(prefix="faults-disk-") as name:
        Path(name).chmod(0o711)
        size = f"size={megabytes}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "faults", name], check=True)  # noqa: S607 — our words
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)  # noqa: S607 — our words


def move(server: Postgres, part: str, disk: Path) -> None:
    """Move *part* of the cluster onto *disk*; the server is restarted for it."""
    server.stop()
    old, new = server.home.cluster / part, disk / part
    shutil.copytree(old, new)
    for path in (new, *new.rglob("*")):
        server.account.own(path)
    shutil.rmtree(old)
    old.symlink_to(new)
    server.start()


def full(part: str, rounds: int) -> Outcome:
    """Take all the room that *part* of the cluster has, and give it back."""
    with small_disk(MEGABYTES[part]) as disk, trial(settings=SMALL_WAL) as on:
        move(on.stage.server, part, disk)
        for _ in range(rounds):
            on.load.acknowledge(BETWEEN)
            with no_room(disk):
                run_out(on, part)
            on.stage.server.start()  # as whatever looks after a server does
            on.load.acknowledge(1, 10.0)
        on.load.acknowledge(BETWEEN)
    return on.outcome


def run_out(on: Trial, part: str) -> None:
    """Wait until writes are refused for want of room, and look at reads meanwhile."""
    before = on.load.ledger.statuses["503"]
    if part == "base":
        if until(lambda: on.load.ledger.statuses["503"] > before, 60) < 0:
            on.complain("writes are refused without room", "none was in 60 s")
        with reading(on) as reads:
            time.sleep(FULL)
        on.note("reads without room", len(reads))
    else:
        use_up_wal(on)
        if until(lambda: on.load.ledger.statuses["503"] > before, 60) < 0:
            on.complain("writes are refused without room", "none was in 60 s")
        time.sleep(FULL)  # the server panics, and tries again or ends
        on.note("the server", "tries again" if on.stage.server.processes() else "has ended")


def use_up_wal(on: Trial) -> None:
    """Write more WAL than the segments have room for that are there: the load takes too long."""
    with suppress(psycopg.OperationalError):
        for _ in range(MEGABYTES["pg_wal"]):
            on.execute(MEGABYTE_OF_WAL)


@contextmanager
def no_room(disk: Path) -> Generator[None]:
    """Fill *disk* while the block runs."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(65536)) == 65536:
                pass
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()


FAULTS = [
    Fault("disk-full-data", "no room for data", partial(full, "base"), long=5, apart=NEEDS),
    Fault("disk-full-wal", "no room for WAL", partial(full, "pg_wal"), long=5, apart=NEEDS),
]
