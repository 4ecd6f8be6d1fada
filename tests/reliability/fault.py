"""A fault is a value: its name, what it does in a sentence, and how it is run."""

from collections.abc import Callable

from msgspec import Struct

from tests.reliability.experiment import Outcome

Run = Callable[[int], Outcome]
"""Runs so many rounds, on a stage of its own."""


class Fault(Struct, frozen=True):
    """One fault; `short` and `long` are the rounds of its two forms.

    `in_ci` is whether CI runs the short one. `breaks` is the invariant that a negative control must
    be caught breaking, None for a fault that must break nothing. `apart` says why the fault is run
    by its name alone, None where it is one of all.
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
        """Tell whether *outcome* is as it should be."""
        if self.breaks is None:
            return not outcome.violations
        return self.breaks in {broken.invariant for broken in outcome.violations}
