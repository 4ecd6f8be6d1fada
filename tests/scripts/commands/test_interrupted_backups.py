"""Backups and restores that are killed, or whose disk is full."""

import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from app.backup.manifest import check_files, read_manifest
from app.progress import no_progress
from tests.support.backups import Environment, Writers, done, refusal
from tests.support.service import INTEGRATIONS, StartService


def test_a_full_disk_is_said_in_one_line_and_nothing_is_left(
    source: Environment, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [*INTEGRATIONS, "backup", tmp_path / "backup"],
        env=source, capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"No backup was made: {tmp_path / 'backup'}: File too large." in ended.stderr
    assert [*(tmp_path / "backup").iterdir()] == []
    done(source, "backup", tmp_path / "backup")


KILLED = """
import os, signal, sys
from importlib import import_module
from scripts.commands.cli import main
name, function, call, *sys.argv[1:] = sys.argv[1:]
module = import_module("app.backup." + name)
unchanged, calls = getattr(module, function), []
def killed(*arguments, **named):
    calls.append(1)
    if len(calls) == int(call):
        os.kill(os.getpid(), signal.SIGKILL)
    return unchanged(*arguments, **named)
setattr(module, function, killed)
main()
"""


def kill(environment: Environment, function: str, call: int, *words: str | Path) -> None:
    """Run a command that is killed when it calls *function* the time that *call* says."""
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *function.split("."), str(call), *words],
        env=environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.parametrize(
    ("function", "call"),
    [("snapshot", 1), ("copy_out", 5), ("copy_keys", 1), ("describe", 1)],
)
def test_a_killed_backup_is_no_backup(
    function: str, call: int, source: Environment, target: Environment, tmp_path: Path
) -> None:
    kill(source, f"backup.{function}", call, "backup", tmp_path / "backup")
    assert "is no complete backup" in refusal(target, "restore", tmp_path / "backup")
    if [*(tmp_path / "backup").iterdir()]:
        assert "is not empty" in refusal(source, "backup", tmp_path / "backup")
    done(source, "backup", tmp_path / "other")


@pytest.mark.parametrize(
    "function", ["migrate", "copy_in", "verify_or_drop", "place_keys", "unmark"]
)
def test_a_killed_restore_can_be_run_again(function: str, kept: Path, target: Environment) -> None:
    kill(target, f"restore.{function}", 1, "restore", kept)
    if function == "place_keys":
        started = subprocess.run(
            [*INTEGRATIONS, "serve"], env=target, capture_output=True, timeout=60, check=False
        )
        assert (started.returncode, started.stdout) == (1, b"")
        assert b"This host does not have the keys of this database" in started.stderr
    done(target, "restore", kept)
    assert "9 events agree with" in done(target, "verify")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_backup_that_is_killed_at_any_moment_is_whole_or_none(
    data_dir: Path, tmp_path: Path, start_service: StartService
) -> None:
    with start_service(data_dir, workers="2") as service, Writers(service, 4):
        for round_ in range(40):
            backup = tmp_path / f"{round_}"
            process = subprocess.Popen(
                [*INTEGRATIONS, "backup", backup],
                env=service.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            with suppress(subprocess.TimeoutExpired):
                process.wait(round_ * 0.05)
            process.kill()
            said, _ = process.communicate()
            if said.startswith(b"Backed up"):
                assert (backup / "manifest.json").exists()
            if (backup / "manifest.json").exists():
                check_files(backup, read_manifest(backup), no_progress)
        done(service.environment, "backup", tmp_path / "last")


@pytest.mark.slow
def test_a_full_file_system_is_said_in_one_line(source: Environment, tmp_path: Path) -> None:
    """Needs root, to mount one."""
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "backup", tmp_path],  # noqa: S607 — our words
        check=True,
    )
    try:
        said = refusal(source, "backup", tmp_path / "backup")
        assert said == f"No backup was made: {tmp_path / 'backup'}: No space left on device."
        assert [*(tmp_path / "backup").iterdir()] == []
    finally:
        subprocess.run(["umount", tmp_path], check=True)  # noqa: S607 — our words
