"""What reaches stderr: JSON lines that say where something went wrong, and never a value."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

COLOURS = r"\x1b\[[0-9;]*m"
CANARY = "SG.canary-4711"
PRELUDE = """
import logging, structlog
from app.structured_logging import configure_logging
configure_logging("INFO")
ours, theirs = structlog.get_logger(source="ours"), logging.getLogger("theirs")
def fail():
    raise ValueError("SG.canary-4711")
"""


def lines(program: str) -> list[dict[str, Any]]:
    """Return the lines that *program* logs, in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        check=True, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert ended.stdout == ""
    assert CANARY not in ended.stderr
    return [json.loads(line) for line in ended.stderr.splitlines()]


@pytest.mark.parametrize("logger", ["ours", "theirs"])
def test_a_line_says_what_when_how_bad_and_by_whom(logger: str) -> None:
    [line] = lines(f"{logger}.info('done')")
    assert (line["event"], line["level"], line["source"]) == ("done", "info", logger)
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("logger", ["ours", "theirs"])
def test_an_error_is_logged_by_type_and_place_and_not_by_its_message(logger: str) -> None:
    program = f"""
try:
    fail()
except ValueError as error:
    {logger}.error('failed', exc_info=error)
    {logger}.exception('failed')
"""
    for line in lines(program):
        assert line["error"] == "ValueError"
        assert line["trace"][-1].endswith("fail")


@pytest.mark.parametrize("logger", ["ours", "theirs"])
def test_below_the_level_nothing_is_written(logger: str) -> None:
    assert lines(f"{logger}.debug('noise')") == []


def test_noisy_libraries_are_logged_from_warnings_on() -> None:
    program = "for n in ('httpx2', 'uvicorn.error'): logging.getLogger(n).info('GET /secret')"
    assert lines(program) == []


def test_fields_stay_in_the_line_and_other_types_than_json_s_are_shown_as_their_repr() -> None:
    [line] = lines("ours.info('x', path=__import__('pathlib').Path('/a'), n=1)")
    assert (line["path"], line["n"]) == ("PosixPath('/a')", 1)


WHOLE_LINE = f"""
import sys
{PRELUDE}
from datetime import UTC, datetime
from msgspec import Struct
from app.structured_logging import build_line_logger

class Line(Struct):
    source: str = "ours"
    n: int = 1
    event: str = "done"
    level: str = "info"
    timestamp: datetime = datetime(2026, 2, 3, 4, 5, 6, 123000, UTC)

build_line_logger(logging.INFO)(Line())
build_line_logger(logging.DEBUG)(Line(event="noise"))
"""


def test_a_whole_line_is_written_as_it_stands_from_the_level_on() -> None:
    assert lines(WHOLE_LINE) == [
        {
            "source": "ours", "n": 1, "event": "done", "level": "info",
            "timestamp": "2026-02-03T04:05:06.123000Z",
        }
    ]  # fmt: skip


def test_a_whole_line_looks_on_a_terminal_as_others_do(on_terminal: Callable[..., str]) -> None:
    shown = on_terminal([sys.executable, "-c", f"{WHOLE_LINE}\nours.info('done', n=1)"])

    quick, others = [re.sub(COLOURS, "", line).split() for line in shown.splitlines()]

    assert quick[0] == "2026-02-03T04:05:06.123000Z"
    assert quick[1:] == others[1:]
