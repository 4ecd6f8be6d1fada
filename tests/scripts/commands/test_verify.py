"""The commands that keep a checkpoint and prove the log, as an operator types them."""

import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.audit_keys import AuditKeys
from tests.support.service import Service, StartService

Run = Callable[..., subprocess.CompletedProcess[str]]
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

    return stopped.run


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
    assert proved.stdout.endswith(
        " checkpoints, with all views and with the commitments of stored secrets;"
        " no key was opened, see integrations keys verify.\n"
    )


def test_a_server_that_takes_no_writes_as_a_standby_proves_all_but_the_views(
    run: Run, edit: Callable[[str], None]
) -> None:
    edit("ALTER ROLE integrations_rebuild SET default_transaction_read_only = on")
    try:
        proved = run("verify")
    finally:
        edit("ALTER ROLE integrations_rebuild RESET default_transaction_read_only")
    assert (proved.returncode, proved.stderr) == (0, "")
    assert " checkpoints and with the commitments of stored secrets" in proved.stdout
    assert "(the views are compared on the primary only)" in proved.stdout


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
    assert (
        "position 1: the log ends before here; the signed log reaches position 3" in failed.stdout
    )


def test_what_an_operator_can_mend_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("anything")
    demo = tmp_path / "demo.txt"
    demo.write_text(run("checkpoint", "--workspace", "demo").stdout)
    for words, said in (
        (("verify", "--checkpoint", wrong), "The note is no checkpoint of this log."),
        (("verify", "--checkpoint", demo, "--workspace", "other"), "The checkpoint is of demo"),
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


# ----- A workspace that there is not -----
@pytest.mark.parametrize("workspace", ["dem0", "DEMO", "a b", "*", "demo ", ""])
def test_a_workspace_that_the_log_never_had_is_not_called_proved(run: Run, workspace: str) -> None:
    failed = run("verify", "--workspace", workspace)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == (
        f"integrations: The log has no workspace {workspace!r}: nothing was verified.\n"
    )
    failed = run("checkpoint", "--workspace", workspace)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == f"integrations: The log has no workspace {workspace!r}.\n"


def test_a_workspace_of_which_nothing_is_signed_yet_is_not_called_unknown(
    run: Run, edit: Callable[[str], None]
) -> None:
    edit("DELETE FROM integrations.audit_checkpoints WHERE workspace_id = 'demo'")
    failed = run("checkpoint", "--workspace", "demo")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("integrations: There is no checkpoint yet")


@pytest.mark.parametrize("lost", ["events", "audit_checkpoints"])
def test_a_workspace_of_which_a_part_is_left_is_not_called_unknown(
    run: Run, edit: Callable[[str], None], lost: str
) -> None:
    edit(f"DELETE FROM integrations.{lost} WHERE workspace_id = 'demo'")  # noqa: S608 — our own
    assert run("verify", "--workspace", "demo").returncode == 1


# ----- With the public key alone -----
def test_an_outsider_verifies_with_the_verifier_key_and_makes_no_file(
    run: Run, stopped: Service, tmp_path: Path
) -> None:
    key, empty, kept = tmp_path / "verifier.txt", tmp_path / "empty", tmp_path / "kept.txt"
    kept.write_text(run("checkpoint").stdout)
    empty.mkdir()
    for words in ((), ("--workspace", "demo")):
        key.write_text(run("checkpoint", "--key", *words).stdout)
        stopped.environment["INTEGRATIONS_DATA_DIR"] = str(empty)
        proved = run("verify", "--key", key, "--checkpoint", kept)
        assert (proved.returncode, proved.stderr) == (0, "")
        assert proved.stdout.startswith("3 events agree with ")
        assert [*empty.iterdir()] == []
        stopped.environment["INTEGRATIONS_DATA_DIR"] = str(stopped.log_file.parent)


OTHER_KEY = "integrations+0c2b5a7d+AXpjbGu2eS1mYGSnBUPx7ZsHgWbKz8kL3lQxnr3oVQAd"


def test_what_is_no_verifier_key_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    key = tmp_path / "verifier.txt"
    for content in (b"", b"\xff\x00", b"anything", OTHER_KEY.encode(), bytes(1 << 18)):
        key.write_bytes(content)
        failed = run("verify", "--key", key)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert failed.stderr == (
            f"integrations: {key} holds no verifier key: integrations checkpoint --key prints it.\n"
        )


def test_another_installations_key_fails_at_the_first_checkpoint(run: Run, tmp_path: Path) -> None:
    key = tmp_path / "verifier.txt"
    key.write_text(
        str(AuditKeys(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).verifier("*"))
    )
    failed = run("verify", "--key", key)
    assert failed.returncode == 1
    assert "the checkpoint here is none of ours: The note is not signed by the key" in failed.stdout
