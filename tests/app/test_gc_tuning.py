"""The garbage collector leaves out what was there at the start."""

import subprocess
import sys

SHOWN = """
import gc
from app.gc_tuning import tune_garbage_collector
before = len(gc.get_objects())
tune_garbage_collector()
print(gc.get_freeze_count() > before / 2, len(gc.get_objects()) < 100, gc.get_threshold()[0])
"""


def test_what_was_there_at_the_start_is_never_looked_at_again() -> None:
    # A process of its own: the collector is the whole process's.
    command = [sys.executable, "-c", SHOWN]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "20000"]
