"""A fault is a value: its name, what it does in a sentence, and the function that runs it."""

from collections.abc import Callable

from msgspec import Struct

from tests.reliability.experiment import Outcome

Run = Callable[[int], Outcome]
"""Runs a number of rounds, in an environment of its own."""


class Fault(Struct, frozen=True):
    """One fault; `short` and `long` are the rounds of its two forms.

    `in_ci` is whether CI runs the short one. `breaks` is the invariant that a negative control must
    be caught breaking, None for a fault that must break nothing. `apart` says why the fault runs
    only by its name, None for the others.
    """

    name: str
    sentence: str
    run: Run
    short: int = 1
    long: int = 10
    in_ci: bool = True
    breaks: str | None = None
    apart: str | None = None

    def passed(self, outcome: Outcome) -> bool:
        """Return whether *outcome* is as expected."""
        if self.breaks is None:
            return not outcome.violations
        return self.breaks in {broken.invariant for broken in outcome.violations}
