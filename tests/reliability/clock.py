"""A clock that a fault moves while programs use it, by Debian's libfaketime."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from msgspec import Struct

NEEDS = "needs Debian's libfaketime: apt-get install -y libfaketime"
LIBRARIES = "*/faketime/libfaketimeMT.so.1"
# Its clock_nanosleep refuses every wait to a moment of the real monotonic clock (0.9.10), which is
# how Python sleeps; a wait by select does not go through it.
SLEEP = """
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""


class ClockError(Exception):
    """There is no library that moves clocks."""


class Clock(Struct, frozen=True):
    """The time of the processes that are started with `environment`; their waits stay real."""

    folder: Path
    library: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to go by this clock."""
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "offset"),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": str(self.folder),
        }

    def move(self, seconds: int) -> None:
        """Set it *seconds* ahead of the real time, or behind it."""
        new = self.folder / "new"
        new.write_text(f"{seconds:+d}\n")
        new.replace(self.folder / "offset")  # atomic: no process reads half of it


@contextmanager
def movable_clock() -> Generator[Clock]:
    """Yield a clock with the right time; raise ClockError if the library is missing."""
    found = sorted(Path("/usr/lib").glob(LIBRARIES))
    if not found:
        raise ClockError(NEEDS)
    with TemporaryDirectory(prefix="faults-clock-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "sitecustomize.py").write_text(SLEEP)
        moved = Clock(folder, found[0])
        moved.move(0)
        try:
            yield moved
        finally:
            remove_stale_files()


def remove_stale_files() -> None:
    """Remove the files that killed processes left behind."""
    for path in Path("/dev/shm").glob("*faketime_*"):  # noqa: S108 — where the library puts it
        if not psutil.pid_exists(int(path.name.rpartition("_")[2])):
            path.unlink(missing_ok=True)
