"""One line a command of an operator, whether it ends well or not."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from scripts.commands.operator_log import MAX_ID_LENGTH, log_operation


def line_of(capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capfd.readouterr().err.removesuffix("\n").split("\n")
    return msgspec.json.decode(line)


def test_ids_that_are_known_at_the_end_are_in_the_line(capfd: pytest.CaptureFixture[str]) -> None:
    with log_operation("backup", folder="/backup") as ids:
        ids["position"] = "7"

    line = line_of(capfd)
    assert line["ids"] == {"folder": "/backup", "position": "7"}
    assert (line["outcome"], line["reason"], line["level"]) == ("done", None, "info")


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda: ValueError("SG.secret"), "ValueError"),
        (KeyboardInterrupt, "KeyboardInterrupt"),
        (lambda: SystemExit(3), "status 3"),
        (lambda: SystemExit(0), None),
        (SystemExit, None),
    ],
)
def test_a_failure_is_named_by_its_type_and_goes_on(
    capfd: pytest.CaptureFixture[str], end: Callable[[], BaseException], reason: str | None
) -> None:
    raised = end()
    with pytest.raises(type(raised)), log_operation("keys rotate"):
        raise raised

    line = line_of(capfd)
    assert (line["outcome"], line["reason"]) == ("failed" if reason else "done", reason)


def test_a_line_is_one_line_and_bounded(capfd: pytest.CaptureFixture[str]) -> None:
    with log_operation("token", workspace="a\nb\u2028\x1b[2J" + "x" * 60_000):
        pass

    line = line_of(capfd)
    assert line["ids"]["workspace"] == ("a\nb\u2028\x1b[2J" + "x" * 60_000)[:MAX_ID_LENGTH]
