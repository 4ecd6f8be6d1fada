"""How `scripts/test` shares tests out: a pytest plugin, named in pyproject.toml."""

from collections import Counter

import pytest
from xdist.remote import Producer  # pyright: ignore[reportMissingTypeStubs]
from xdist.scheduler import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs]

LONG = ("tests/benchmarks/", "tests/reliability/")


class LongestFirst(LoadScopeScheduling):
    """Gives a worker a file at a time, as tests of a file share fixtures.

    Long tests share nothing. They go one by one and first, or the last ones would keep one worker
    busy while the others have nothing left to do.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(LONG) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Return our order in place of `--dist loadfile`."""
    if config.option.dist != "loadfile":
        return None
    config.option.loadscopereorder = False  # it begins with the file that has the most tests
    return LongestFirst(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests, then with the files that have the most tests."""
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (not item.nodeid.startswith(LONG), -sizes[item.path]))
