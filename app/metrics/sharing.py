"""The folder in which several workers keep their figures, so that each can tell those of all."""

import os
from collections.abc import Container, Generator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from app.metrics.instruments import FOLDER


@contextmanager
def shared_figures() -> Generator[None]:
    """Let the workers that are started in this block keep their figures in one folder.

    The library takes its name from the environment, which workers inherit.
    """
    with TemporaryDirectory(prefix="integrations-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER] = folder
        yield


def forget_moments(living: Container[int | None]) -> None:
    """Drop what workers other than *living*, by their pids, said of a moment; counts stay."""
    for file in Path(os.environ[FOLDER]).glob("gauge_live*_*.db"):
        if int(file.stem.rpartition("_")[2]) not in living:
            file.unlink(missing_ok=True)


def drop_figures() -> None:
    """Remove the folder: whoever made it is gone."""
    rmtree(os.environ[FOLDER], ignore_errors=True)
