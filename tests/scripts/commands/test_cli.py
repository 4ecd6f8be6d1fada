"""The command `integrations`, before it runs anything."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.commands.cli import COMMANDS, commands

ROOT = Path(__file__).parents[3]
LOADED = """
import sys
from scripts.commands.cli import commands
commands(["{}", "--help"], standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""


def test_the_help_lists_every_command() -> None:
    told = CliRunner().invoke(commands, ["--help"])

    assert told.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in told.stdout


def test_an_unknown_command_is_reported_without_a_traceback() -> None:
    told = CliRunner().invoke(commands, ["reload"])

    assert told.exit_code == 2
    assert "No such command 'reload'." in told.stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["verfy"], "Did you mean 'verify'?"),
        (["chekpoint"], "Did you mean 'checkpoint'?"),
        (["keys", "rotat"], "Did you mean 'rotate'?"),
        (["keys", "rewarp"], "Did you mean 'rewrap'?"),
        (["verify", "--workspce", "demo"], "Did you mean '--workspace'?"),
        (["token", "--permision", "audit:view"], "Did you mean '--permission'?"),
    ],
)
def test_a_typo_gets_a_hint(words: list[str], hint: str) -> None:
    told = CliRunner().invoke(commands, words)

    assert told.exit_code == 2
    assert hint in told.stderr


def test_the_version_is_that_of_the_package() -> None:
    told = CliRunner().invoke(commands, ["--version"])

    assert (told.exit_code, told.stdout) == (0, f"integrations {version('integrations')}\n")


@pytest.mark.parametrize("words", [[], ["keys"]])
def test_a_group_alone_prints_its_help_as_click_does(words: list[str]) -> None:
    alone = CliRunner().invoke(commands, words)
    asked = CliRunner().invoke(commands, [*words, "-h"])

    assert alone.exit_code == 2
    assert alone.output == asked.output
    assert "Commands:" in asked.stdout


@pytest.mark.parametrize(("name", "needs"), [("rebuild", set[str]()), ("replay", {"rich"})])
def test_a_command_that_is_measured_from_its_start_waits_for_no_import_that_it_does_not_need(
    name: str, needs: set[str]
) -> None:
    program = LOADED.format(name)
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )

    loaded = set(ran.stderr.split())
    assert f"scripts.commands.{name}" in loaded
    assert {"litestar", "cryptography", "phonenumbers", "eventsourcing", "rich"} & loaded == needs


@pytest.mark.parametrize("module", ["cli", *sorted(module for module, _ in COMMANDS.values())])
def test_each_command_runs_by_the_path_of_its_file(module: str) -> None:
    ran = subprocess.run(
        [sys.executable, f"scripts/commands/{module}.py", "--help"],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert ran.stdout.startswith(f"Usage: {module}.py")
