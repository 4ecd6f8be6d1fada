"""What a crash leaves behind: no memory on disk, and no message, as either may hold a secret."""

import resource
import sys
import threading
import traceback

UNTOLD = "its message is not shown, as it may repeat a value"


def leave_no_trace_of_values() -> None:
    """Let no crash of this process write its memory to disk, or the message of an error."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.excepthook = lambda _, error, __: tell(error)
    threading.excepthook = lambda crash: tell(crash.exc_value)
    sys.unraisablehook = lambda crash: tell(crash.exc_value)


def tell(error: BaseException | None) -> None:
    """Print the type of *error* and where it came from, as `app/structured_logging.py` does."""
    if error is None:
        return
    frames = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error).__qualname__
    sys.stderr.write(f"Traceback (most recent call last):\n{frames}{kind} ({UNTOLD})\n")
