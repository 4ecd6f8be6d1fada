"""Long work says how far it is, how fast, and when it will have ended; to people only."""

import re
import subprocess
import sys
from collections.abc import Callable

WORK = """
import time
from app.progress import progress_bar
with progress_bar() as tell:
    for done in range(0, 201, 50):
        tell("Counting", done, 1000)
        time.sleep(0.05)
"""
COLOURS = r"\x1b\[[0-9;?]*[A-Za-z]"


def test_on_a_terminal_amount_rate_and_both_times_are_shown(
    on_terminal: Callable[..., str],
) -> None:
    shown = re.sub(COLOURS, "", on_terminal([sys.executable, "-c", WORK]))

    assert re.search(r"Counting .* 200/1000 +[0-9,]+/s +0:00:\d\d +0:00:\d\d", shown)


def test_elsewhere_nothing_is_shown() -> None:
    done = subprocess.run([sys.executable, "-c", WORK], check=True, capture_output=True)

    assert (done.stdout, done.stderr) == (b"", b"")
