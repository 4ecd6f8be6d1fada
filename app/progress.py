"""How far long work is, told on stderr where somebody looks."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

ProgressCallback = Callable[[str, int, int], None]
"""Is told the step, how much of it is done, and how much there is to do."""


@contextmanager
def progress_bar() -> Generator[ProgressCallback]:
    """Yield what is told of progress: a bar on a terminal, else nothing that shows it."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    from app.bar import bar  # noqa: PLC0415 — rich is imported only to be seen

    with bar() as tell:
        yield tell


def no_progress(step: str, done: int, all_of_it: int) -> None:
    """Show nothing."""
