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

from tests.reliability.contention_faults import read_continuously
from tests.reliability.experiment import Experiment, Outcome, run_experiment
from tests.reliability.fault import Fault
from tests.reliability.postgres import Postgres
from tests.reliability.service import until

NEEDS = "needs root, to mount a tmpfs"
WRITES_BETWEEN = 15  # acknowledged writes
FULL = 5.0  # seconds a round without room
MEGABYTES = {"base": 96, "pg_wal": 96}
MEGABYTE_OF_WAL = "SELECT pg_logical_emit_message(false, 'faults', repeat('x', 1000000))"
SMALL_WAL = {"min_wal_size": "32MB", "max_wal_size": "48MB"}


class DiskError(Exception):
    """A small disk cannot be mounted here."""


@contextmanager
def small_disk(megabytes: int) -> Generator[Path]:
    """Yield the path of a small tmpfs; raise DiskError if mounting is not allowed."""
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
    old, new = server.directory.cluster / part, disk / part
    shutil.copytree(old, new)
    for path in (new, *new.rglob("*")):
        server.account.take_ownership(path)
    shutil.rmtree(old)
    old.symlink_to(new)
    server.start()


def fill_up(part: str, rounds: int) -> Outcome:
    """Use up the disk of *part* of the cluster, and free it again."""
    with small_disk(MEGABYTES[part]) as disk, run_experiment(settings=SMALL_WAL) as experiment:
        move(experiment.server, part, disk)
        for _ in range(rounds):
            experiment.load.acknowledge(WRITES_BETWEEN)
            with filled_disk(disk):
                exhaust_room(experiment, part)
            experiment.server.start()  # as a service manager does
            experiment.load.acknowledge(1, 10.0)
        experiment.load.acknowledge(WRITES_BETWEEN)
    return experiment.outcome


def exhaust_room(experiment: Experiment, part: str) -> None:
    """Wait until writes fail because the disk is full, and check reads meanwhile."""
    before = experiment.load.ledger.statuses["503"]
    if part == "base":
        if until(lambda: experiment.load.ledger.statuses["503"] > before, 60) < 0:
            experiment.report("writes are refused without room", "none was in 60 s")
        with read_continuously(experiment) as reads:
            time.sleep(FULL)
        experiment.record("reads without room", len(reads))
    else:
        use_up_wal(experiment)
        if until(lambda: experiment.load.ledger.statuses["503"] > before, 60) < 0:
            experiment.report("writes are refused without room", "none was in 60 s")
        time.sleep(FULL)  # the server panics, and tries again or ends
        experiment.record(
            "the server", "tries again" if experiment.server.processes() else "has ended"
        )


def use_up_wal(experiment: Experiment) -> None:
    """Write more WAL than fits into the existing segments: the load alone takes too long."""
    with suppress(psycopg.OperationalError):
        for _ in range(MEGABYTES["pg_wal"]):
            experiment.execute(MEGABYTE_OF_WAL)


@contextmanager
def filled_disk(disk: Path) -> Generator[None]:
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
    Fault("disk-full-data", "no room for data", partial(fill_up, "base"), long=5, apart=NEEDS),
    Fault("disk-full-wal", "no room for WAL", partial(fill_up, "pg_wal"), long=5, apart=NEEDS),
]
