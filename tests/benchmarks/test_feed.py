"""The benchmark of the change feed runs from end to end, in its shortest form."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_short_run_prints_every_figure() -> None:
    options = ("--changes", "10", "--streams", "10", "--idle", "1")
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.feed", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line[:1] == "|"]
    figures = {cells[0].strip(): cells[1].strip() for cells in lines[2:]}
    assert len(figures) == 14
    assert figures["the same: without an end event"] == "0"
