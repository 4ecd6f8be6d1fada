"""The server takes an eighth of the memory that there is for it, within bounds."""

import os
from pathlib import Path

import pytest

from app.database.embedded.memory import shared_buffers

GB = 1 << 30


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with 4 GB."""
    pages = {"SC_PHYS_PAGES": 1 << 20, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("limit", "taken"),
    [
        ("max", 512),
        (str(2 * GB), 256),
        (str(GB // 2), 128),
        (str(100 * GB), 512),
        ("9223372036854771712", 512),
    ],
)
def test_it_takes_an_eighth_of_the_machine_or_of_what_a_container_may_have(
    tmp_path: Path, limit: str, taken: int
) -> None:
    file = tmp_path / "memory.max"
    file.write_text(f"{limit}\n")
    assert shared_buffers([file, tmp_path / "missing"]) == taken


def test_on_a_large_machine_it_takes_a_gigabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1 << 24, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert shared_buffers([]) == 1024
