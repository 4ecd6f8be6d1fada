"""What a crash leaves: no memory on disk and no value in a message; every process calls it first.

It imports no library, as structlog, with rich, takes longer to load than some commands run.
"""

import ctypes
import resource
import sys
import threading
import traceback

PR_SET_DUMPABLE = 4  # prctl(2)
REDACTED_NOTE = "its message is not shown, as it may repeat a value"


def redact_crash_output() -> None:
    """Let no crash of this process write its memory to disk, or the message of an error.

    The limit does not count if the system pipes core files to a program (core(5)), so the
    process is not dumpable either. That also keeps other processes of its user from its memory.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)
    sys.excepthook = lambda _, error, __: print_redacted_traceback(error)
    threading.excepthook = lambda crash: print_redacted_traceback(crash.exc_value)
    sys.unraisablehook = lambda crash: print_redacted_traceback(crash.exc_value)


def print_redacted_traceback(error: BaseException | None) -> None:
    """Print the type of *error* and where it came from, as `app/structured_logging.py` does."""
    if error is None:
        return
    frames = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error).__qualname__
    sys.stderr.write(f"Traceback (most recent call last):\n{frames}{kind} ({REDACTED_NOTE})\n")
