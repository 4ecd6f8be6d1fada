"""A progress bar on stderr, drawn by rich."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from app.progress import ProgressCallback


class Rate(ProgressColumn):
    """How much is done in a second."""

    def render(self, task: Task) -> Text:
        """Return the rate, nothing before there is one."""
        return Text(
            "" if task.speed is None else f"{task.speed:,.0f}/s", style="progress.data.speed"
        )


@contextmanager
def bar() -> Generator[ProgressCallback]:
    """Yield what moves a bar a step: done of all, rate, time left.

    It is drawn whenever something is told, by no thread: whoever rebuilds forks.
    """
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(),
        TimeElapsedColumn(), TimeRemainingColumn(),
        console=Console(file=sys.stderr), auto_refresh=False,
    ) as progress:  # fmt: skip
        tasks: dict[str, int] = {}

        def tell(step: str, done: int, all_of_it: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step)
            progress.update(tasks[step], refresh=True, completed=done, total=all_of_it)  # pyright: ignore[reportArgumentType] — a TaskID is an int

        yield tell
