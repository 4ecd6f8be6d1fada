"""Which numbers of a list stand on a page, newest first, without looking at those before it."""

from collections.abc import Sequence

from msgspec import Struct


class Numbers(Struct, frozen=True):
    """Numbers of entries: those after `below` up to `upto`, but for a few, and a few more.

    `without` are those in between that do not count, `later` those after `upto` that do; both
    newest first.
    """

    below: int
    upto: int
    without: Sequence[int] = ()
    later: Sequence[int] = ()

    @property
    def total(self) -> int:
        """How many there are."""
        return self.upto - self.below - len(self.without) + len(self.later)

    def page(self, offset: int, limit: int) -> list[int]:
        """Return at most *limit* numbers, newest first, after the first *offset*."""
        return [self._nth(n) for n in range(offset, min(offset + limit, self.total))]

    def _nth(self, n: int) -> int:
        if n < len(self.later):
            return self.later[n]
        number = self.upto - (n - len(self.later))
        for hole in self.without:
            if hole < number:
                break
            number -= 1
        return number
