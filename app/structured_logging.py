"""Structured logs on stderr: JSON lines, or readable ones on a terminal; never a value."""

import logging
import sys
import traceback
from collections.abc import Callable
from typing import cast

import msgspec
import structlog
from msgspec import Struct
from structlog.typing import EventDict, Processor

TIMESTAMPER: tuple[Processor, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
NOISY_LOGGERS = ("httpx2", "httpcore2", "uvicorn")  # URLs; each start and stop


def configure_logging(level: str) -> None:
    """Send our logs, and those of all libraries, from *level* on to stderr.

    Our own lines do not go through the standard library's logging: a line a request would cost
    a fifth of the request.
    """
    on_terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[*TIMESTAMPER, redact_exceptions, build_renderer(on_terminal=on_terminal)],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
        if on_terminal
        else structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[stdlib_handler()], level=level, force=True)
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def build_renderer(*, on_terminal: bool) -> Processor:
    """Return what makes a line of an entry: text on a terminal, else JSON as bytes."""
    if on_terminal:
        return structlog.dev.ConsoleRenderer()
    return structlog.processors.JSONRenderer(serializer=json_line)


def build_line_logger(level: int) -> Callable[[Struct], None]:
    """Return what writes whole lines of *level*, each a Struct of all that stands in it.

    structlog makes a line in a dozen steps, which for each request would be a tenth of a GET; here
    it is one. What is written looks the same, and is written or not as `configure_logging` said.
    """
    if not structlog.get_logger().is_enabled_for(level):
        return lambda _: None
    if sys.stderr.isatty():
        text, out = build_renderer(on_terminal=True), structlog.PrintLogger(sys.stderr)
        return lambda line: out.msg(str(text(out, "", msgspec.to_builtins(line))))
    written = structlog.BytesLogger(sys.stderr.buffer)
    return lambda line: written.msg(msgspec.json.encode(line))


def json_line(entry: EventDict, **_: object) -> bytes:
    """Return *entry* as JSON; what JSON does not know as its `repr`."""
    return msgspec.json.encode(entry, enc_hook=repr)


def stdlib_handler() -> logging.Handler:
    """Return what writes the lines of libraries, and of our own modules that use logging."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            *TIMESTAMPER,
            structlog.stdlib.ExtraAdder(),
            add_logger_name,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact_exceptions,
            structlog.processors.JSONRenderer(default=repr)
            if not sys.stderr.isatty()
            else structlog.dev.ConsoleRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    return handler


def add_logger_name(logger: logging.Logger | None, _: str, entry: EventDict) -> EventDict:
    """Say whose line it is, by the name by which our own lines say it."""
    record: logging.LogRecord | None = entry.get("_record")
    entry["source"] = record.name if record else getattr(logger, "name", "")
    return entry


def redact_exceptions(_: object, __: str, entry: EventDict) -> EventDict:
    """Replace `exc_info` by the error's type and where it came from.

    An error's message may repeat values: psycopg's holds key values, msgspec's what was sent.
    """
    error = exception_from(entry.pop("exc_info", None))
    if error is not None:
        entry["error"] = type(error).__qualname__
        frames = traceback.extract_tb(error.__traceback__)
        entry["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return entry


def exception_from(exc_info: object) -> BaseException | None:
    """Return the error in what logging calls `exc_info`: an error, a triple of it, or True."""
    if exc_info is True:
        return sys.exc_info()[1]
    if isinstance(exc_info, tuple):
        return exception_from(cast("tuple[object, object, object]", exc_info)[1])
    return exc_info if isinstance(exc_info, BaseException) else None
