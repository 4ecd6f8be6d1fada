"""What is wrong with a log, and where."""

from collections.abc import Iterable

from msgspec import Struct


class Finding(Struct, frozen=True):
    """What is wrong, in one line; `position` is None for what belongs to no event."""

    position: int | None
    what: str

    def __str__(self) -> str:
        """Say where and what."""
        where = "outside the log" if self.position is None else f"position {self.position}"
        return f"{where}: {self.what}"


def first_of(findings: Iterable[Finding | None]) -> Finding | None:
    """Return the one with the lowest position, the first of equals; None where there is none."""
    return min((each for each in findings if each is not None), key=place_of, default=None)


def place_of(finding: Finding) -> tuple[bool, int]:
    """Return what *finding* is sorted by: what belongs to no event comes last."""
    return finding.position is None, finding.position or 0
