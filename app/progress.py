"""Progress of long work: a bar on stderr if somebody watches, else nothing."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

ProgressCallback = Callable[[str, int, int], None]
"""Receives the name of the step, how much of it is done, and how much there is in all."""


@contextmanager
def progress_bar() -> Generator[ProgressCallback]:
    """Yield the callback that reports progress: to a bar on a terminal, else to nobody."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    with rich_progress() as report:
        yield report


def no_progress(step: str, done: int, total: int) -> None:
    """Show nothing."""


@contextmanager
def rich_progress() -> Generator[ProgressCallback]:
    """Yield the callback that moves a bar: done of total, rate, time elapsed, time left.

    No thread draws it, only the callback does: a process that forks must have no threads.
    """
    # rich takes long to import, and most processes never draw a bar.
    from rich import progress as bars  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    with bars.Progress(
        bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[rate]}", style="progress.data.speed"),
        bars.TimeElapsedColumn(), bars.TimeRemainingColumn(),
        console=Console(file=sys.stderr), auto_refresh=False,
    ) as progress:  # fmt: skip
        tasks: dict[str, bars.TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, rate="")
            task = tasks[step]
            progress.update(task, completed=done, total=total)
            speed = progress.tasks[task].speed
            rate = "" if speed is None else f"{speed:,.0f}/s"
            progress.update(task, refresh=True, rate=rate)

        yield report
