"""Structured logs on stderr: JSON lines, or readable ones on a terminal; never a value."""

import logging
import sys
import traceback
from typing import cast

import structlog
from structlog.typing import EventDict, Processor

SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_logs(level: str) -> None:
    """Send our logs, and those of all libraries, from *level* on to stderr."""
    on_terminal = sys.stderr.isatty()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*SHARED, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                without_messages_of_errors,
                structlog.dev.ConsoleRenderer()
                if on_terminal
                else structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for talkative in ("httpx2", "httpcore2", "uvicorn"):  # URLs; each start and stop
        logging.getLogger(talkative).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def without_messages_of_errors(_: object, __: str, entry: EventDict) -> EventDict:
    """Replace `exc_info` by the error's type and where it came from.

    An error's message may repeat values: psycopg's holds key values, msgspec's what was sent.
    """
    error = error_in(entry.pop("exc_info", None))
    if error is not None:
        entry["error"] = type(error).__qualname__
        frames = traceback.extract_tb(error.__traceback__)
        entry["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return entry


def error_in(exc_info: object) -> BaseException | None:
    """Return the error in what logging calls `exc_info`: an error, a triple of it, or True."""
    if exc_info is True:
        return sys.exc_info()[1]
    if isinstance(exc_info, tuple):
        return error_in(cast("tuple[object, object, object]", exc_info)[1])
    return exc_info if isinstance(exc_info, BaseException) else None
