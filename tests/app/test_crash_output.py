"""A crash shows what failed and where, but no values."""

import subprocess
import sys

import pytest

PRELUDE = """
import resource, threading
from app.crash_output import redact_crash_output
redact_crash_output()
def broken(value="the secret"):
    raise ValueError(value)
class Broken:
    __del__ = lambda self: broken()
"""
CRASHES = {
    "in the main thread": "broken()",
    "in another thread": "thread = threading.Thread(target=broken); thread.start(); thread.join()",
    "where nobody can hear it": "Broken()",
    "after another": "try: broken()\nexcept ValueError as error: raise KeyError('k') from error",
}


@pytest.mark.parametrize("crash", CRASHES)
def test_the_type_and_the_place_are_shown_and_the_message_is_not(crash: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PRELUDE + CRASHES[crash]],
        check=False, capture_output=True, text=True, timeout=30,
    )  # fmt: skip

    assert ended.stderr.startswith("Traceback (most recent call last):\n")
    assert "Error (its message is not shown, as it may repeat a value)\n" in ended.stderr
    assert 'File "<string>", line' in ended.stderr
    assert "secret" not in ended.stderr
    assert (ended.returncode == 1) is (crash in {"in the main thread", "after another"})


def test_sys_exit_ends_the_process_as_usual() -> None:
    for end, status in (("raise SystemExit(3)", 3), ("raise SystemExit", 0)):
        ended = subprocess.run(
            [sys.executable, "-c", PRELUDE + end], check=False, capture_output=True, timeout=30
        )
        assert (ended.returncode, ended.stderr) == (status, b"")


def test_no_memory_is_written_to_disk() -> None:
    asked = """
import ctypes
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3))  # PR_GET_DUMPABLE
"""
    shown = subprocess.run([sys.executable, "-c", PRELUDE + asked], check=True, capture_output=True)

    assert shown.stdout == b"(0, 0) 0\n"
