"""How much memory the server takes to keep pages of the database at hand."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),  # of a container, as it sees itself
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),  # the same in cgroups of the first version
)
MB = 1 << 20
SHARE = 8  # PostgreSQL's own advice is a quarter, on a machine that does nothing else
LEAST, MOST = 128, 1024  # MB


def shared_buffers(limits: Sequence[Path] = LIMITS) -> int:
    """Return the MB that pages may take: an eighth of what there is, and only as they come."""
    return max(LEAST, min(MOST, min(amounts(limits)) // SHARE // MB))


def amounts(limits: Sequence[Path]) -> Iterator[int]:
    """Yield how many bytes the machine has, and to how many of them we are limited."""
    yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in limits:
        if limit.is_file() and (amount := limit.read_text().strip()).isdecimal():
            yield int(amount)
