"""What the options of commands take as text: all else is one line, before anything runs."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from scripts.commands.cli import commands

TOKEN = ("token", "--workspace", "demo")
CONSOLE = ("console", "--workspace", "demo")
NOT_PLAIN = {
    "empty": "",
    "blank": " ",
    "a blank in front": " ana",
    "a line break behind": "ana\n",
    "a control character": "a\x01b",
    "a line break": "ana\nbob",
    "a bidirectional mark": "ana\u202e",
    "invisible": "\u200b",
    "hidden inside": "an\u200ba",
    "too long": "x" * 256,
}
NO_WORKSPACE = ("", " ", "a b", "a/b", "demo\n", "d\u00e9mo", "x" * 65)
REFUSED: list[tuple[tuple[str, ...], str, str]] = [
    *((TOKEN, "--subject", value) for value in NOT_PLAIN.values()),
    *((CONSOLE, "--subject", value) for value in NOT_PLAIN.values()),
    *((CONSOLE, "--name", value) for value in NOT_PLAIN.values()),
    *((TOKEN, "--recipient", value) for value in ("", "key", "A" * 43, "A" * 44)),
    *(
        ((command,), "--workspace", value)
        for command in ("token", "console", "replay", "accesses")
        for value in NO_WORKSPACE
    ),
]


@pytest.mark.parametrize(("words", "option", "value"), REFUSED, ids=repr)
def test_a_wrong_text_is_refused_in_one_line_that_says_what_to_write(
    words: tuple[str, ...], option: str, value: str
) -> None:
    refused = CliRunner().invoke(commands, [*words, option, value])

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"Error: Invalid value for '{option}': write " in refused.stderr
    assert "{" not in refused.stderr  # nothing was done, so nothing is logged
    assert len(value) < 4 or value not in refused.stderr


@pytest.mark.parametrize("words", [(*TOKEN, "--subject"), ("keys", "lost"), ("rebuild",)])
def test_an_argument_that_is_not_utf_8_is_refused(words: tuple[str, ...]) -> None:
    main = "from scripts.commands.cli import main; main()"
    command = [sys.executable, "-c", main, *words, b"\xff"]

    refused = subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "integrations: an argument is not UTF-8\n"
