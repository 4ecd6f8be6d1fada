"""The security log of operators' commands: who ran which, on what, and how it ended."""

import logging
import os
import pwd
import syslog
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec import Struct

from app.structured_logging import build_line_logger

MAX_ID_LENGTH = 255  # characters; some of them are what the operator typed


class OperatorLine(Struct, frozen=True, kw_only=True):
    """One line: `ids` name what the command was about, and are never a key; `reason` is an error's.

    It has the fields of the security log's other lines if they mean something here.
    """

    source: Literal["security"] = "security"
    command: str
    user: str
    ids: Mapping[str, str]
    outcome: Literal["done", "failed"]
    reason: str | None
    event: Literal["command"] = "command"
    level: Literal["info", "warning"]
    timestamp: datetime


@contextmanager
def log_operation(command: str, **ids: str) -> Generator[dict[str, str]]:
    """Write a line when the block ends; ids that are known later are added to what is yielded.

    A block that raises has failed, and so has one that exits with another status than 0.
    """
    try:
        yield ids
    except SystemExit as end:
        write_line(command, ids, f"status {end.code}" if end.code else None)
        raise
    except BaseException as error:
        write_line(command, ids, type(error).__name__)
        raise
    write_line(command, ids, None)


def write_line(command: str, ids: Mapping[str, str], reason: str | None) -> None:
    """Write the line to stderr, at any log level, and to the system's log if there is one.

    What an operator does on a terminal is collected by nobody; the system's log is, as it is of
    sudo and sshd.
    """
    line = OperatorLine(
        command=command,
        user=user_name(),
        ids={name: value[:MAX_ID_LENGTH] for name, value in ids.items()},
        outcome="failed" if reason else "done",
        reason=reason,
        level="warning" if reason else "info",
        timestamp=datetime.now(UTC),
    )
    build_line_logger(logging.CRITICAL)(line)
    syslog.openlog("integrations", facility=syslog.LOG_AUTHPRIV)
    syslog.syslog(syslog.LOG_NOTICE, msgspec.json.encode(line).decode())


def user_name() -> str:
    """Return the name of the operating system's user, its number if it has none."""
    user = os.getuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
