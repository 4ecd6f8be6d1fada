"""The commands that keep a checkpoint and prove the log, as an operator types them."""

import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import psycopg
import pytest

Service = Any  # that of tests/conftest.py, which cannot be imported
StartService = Callable[..., Any]
Run = Callable[..., subprocess.CompletedProcess[str]]
INTEGRATIONS = (sys.executable, "-c", "from scripts.commands.cli import main; main()")
BODY = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.first"}


@pytest.fixture
def stopped(dsn: str, data_dir: Path, start_service: StartService) -> Service:
    """A service that has taken three events, and was then told to stop."""
    with start_service(data_dir, database_url=dsn) as service, service.caller() as client:
        for _ in range(3):
            assert client.post("/en/api/integration", json=BODY).status_code == 201
    return service


@pytest.fixture
def run(stopped: Service) -> Run:
    """Run a command with the settings of the service."""

    def finished(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*INTEGRATIONS, *words], env=stopped.environment, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    return finished


@pytest.fixture
def edit(dsn: str) -> Generator[Callable[[str], None]]:
    """Do something to the log as its superuser, whom no trigger stops."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield lambda statement: connection.execute(statement.encode()) and None


def test_a_stopped_service_has_signed_all_events_and_the_log_is_proved(run: Run) -> None:
    proved = run("verify")
    assert (proved.returncode, proved.stderr) == (0, "")
    assert proved.stdout.startswith("3 events agree with ")
    assert proved.stdout.endswith(" checkpoints, with all views and with the sealed secrets.\n")


def test_the_first_bad_position_is_named_with_status_1(
    run: Run, edit: Callable[[str], None]
) -> None:
    edit("UPDATE integrations.events SET envelope = 'forged' WHERE position = 2")
    failed = run("verify")
    assert failed.returncode == 1
    assert failed.stdout == (
        "The log is not as it was: position 2: the event is not the one that was signed.\n"
    )
    assert run("verify", "--workspace", "demo").returncode == 1
    assert run("verify", "--workspace", "other").returncode == 0


def test_a_stored_checkpoint_proves_that_the_end_was_cut_off(
    run: Run, edit: Callable[[str], None], tmp_path: Path
) -> None:
    whole, demo = tmp_path / "whole.txt", tmp_path / "demo.txt"
    whole.write_text(run("checkpoint").stdout)
    demo.write_text(run("checkpoint", "--workspace", "demo").stdout)
    assert run("verify", "--checkpoint", whole).returncode == 0
    assert run("verify", "--checkpoint", demo, "--workspace", "demo").returncode == 0
    for table in ("events", "audit_checkpoints"):
        edit(f"DELETE FROM integrations.{table} WHERE position > 0")  # noqa: S608 — our own
    for table in ("audit_tiles", "secret_store", "integration_view", "integration_counts"):
        edit(f"TRUNCATE integrations.{table}")
    edit("UPDATE integrations.audit_follower SET position = 0")
    assert run("verify").returncode == 0
    failed = run("verify", "--checkpoint", whole)
    assert failed.returncode == 1
    assert "position 1: the log ends before here; it went on to position 3" in failed.stdout


def test_what_an_operator_can_mend_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("anything")
    demo = tmp_path / "demo.txt"
    demo.write_text(run("checkpoint", "--workspace", "demo").stdout)
    for words, said in (
        (("verify", "--checkpoint", wrong), "The note is no checkpoint of this log."),
        (("verify", "--checkpoint", demo, "--workspace", "other"), "The checkpoint is of demo"),
        (("checkpoint", "--workspace", "other"), "There is no checkpoint yet"),
        (("checkpoint", "--workspace", "a b", "--key"), "A workspace has 1 to 64 letters"),
    ):
        failed = run(*words)
        assert failed.returncode == 1
        assert failed.stdout == ""
        assert failed.stderr.startswith(f"integrations: {said}")
        assert failed.stderr.count("\n") == 1


def test_the_verifier_key_is_printed_alone(run: Run) -> None:
    assert run("checkpoint", "--key").stdout.startswith("integrations+")
    key = run("checkpoint", "--workspace", "demo", "--key").stdout
    assert key.startswith("integrations/demo+")
    assert key.count("\n") == 1
