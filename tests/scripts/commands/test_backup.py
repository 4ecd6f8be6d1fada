"""integrations backup, and what comes back of it, between real servers."""

import json
import shutil
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.database.embedded import open_embedded
from app.private_files import create_private_file
from app.tokens.private_key_file import generate_pem
from tests.support.backups import (
    AUDIT_KEY,
    PATH,
    Environment,
    Writers,
    add,
    done,
    log_of,
    new_database,
    opened,
    refusal,
    run,
    settings,
)
from tests.support.service import StartService, new_data_dir
from tests.support.waiting import wait_until


def test_a_backup_under_load_has_all_that_was_acknowledged_before_it(
    data_dir: Path, given: str, tmp_path: Path, start_service: StartService
) -> None:
    # Given an embedded database, clients that write, and a checkpoint that is kept elsewhere.
    checkpoint = tmp_path / "checkpoint.txt"
    home = data_dir / "home"
    home.mkdir(mode=0o711)
    with start_service(home) as service, Writers(service, 3) as writers:
        wait_until(lambda: len(writers.acknowledged) > 50)
        wait_until(lambda: run(service.environment, "checkpoint").exit_code == 0)
        checkpoint.write_text(done(service.environment, "checkpoint"))
        before = writers.acknowledged.copy()
        # When a backup is made, and restored to a given server.
        said = done(service.environment, "backup", "--with-keyring", tmp_path / "backup")
        after = len(writers.acknowledged)
        wait_until(lambda: len(writers.acknowledged) > after)
    manifest = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    keys = {file.name for file in home.glob("*.pem")} | {"keyring.json"}
    assert keys > {AUDIT_KEY, "keyring.json"}
    assert keys < {*manifest["files"]}
    what = f"{manifest['position']:,} events and {len(keys)} key files"
    assert said.startswith(f"Backed up {what}")
    new = settings(data_dir / "new", given)
    said = done(new, "restore", tmp_path / "backup")
    assert said == f"Restored {what}, and verified them.\n"
    assert {file.name for file in (data_dir / "new").iterdir()} == keys
    # Then nothing acknowledged is missing, the log is proved, and the secrets open.
    assert "events agree with" in done(new, "verify", "--checkpoint", checkpoint)
    assert len(opened(given, new)) == manifest["position"]
    with start_service(data_dir / "new", database_url=given) as service, service.caller() as client:
        shown = {each["id"] for each in client.get(PATH).json()["result"]["data"]}
        assert set(before) <= shown
        assert len(shown) == manifest["position"]
        add(client, "SG.later")
    assert " are not signed" not in done(new, "verify", "--checkpoint", checkpoint)


def test_an_installation_moves_to_a_given_server_and_back(
    source: Environment, kept: Path, tmp_path: Path, data_dir: Path, start_service: StartService
) -> None:
    log = log_of(source["INTEGRATIONS_DATABASE_URL"])
    embedded = settings(data_dir / "embedded")
    done(embedded, "restore", kept)
    with open_embedded(data_dir / "embedded") as server:
        assert log_of(server.dsn) == log
        assert opened(server.dsn, embedded) == opened(source["INTEGRATIONS_DATABASE_URL"], source)
    with start_service(data_dir / "embedded") as service, service.caller() as client:
        add(client, "SG.later")
    # The keyring stays where it is, and so do the keys: only the database moves.
    done(embedded, "backup", tmp_path / "second")
    given = embedded | {"INTEGRATIONS_DATABASE_URL": source["INTEGRATIONS_DATABASE_URL"]}
    assert "is not empty" in refusal(given, "restore", tmp_path / "second")
    with psycopg.connect(given["INTEGRATIONS_DATABASE_URL"]) as connection:
        connection.execute("ALTER SCHEMA integrations RENAME TO before")
    try:
        said = done(given, "restore", tmp_path / "second")
        assert said.startswith("Restored 10 events")
        assert said.endswith("key files, and verified them.\n")
        assert len(opened(given["INTEGRATIONS_DATABASE_URL"], given)) == 10
        assert log_of(given["INTEGRATIONS_DATABASE_URL"])[:9] == log
    finally:
        with psycopg.connect(given["INTEGRATIONS_DATABASE_URL"]) as connection:
            connection.execute("DROP SCHEMA integrations CASCADE")
            connection.execute("ALTER SCHEMA before RENAME TO integrations")


def test_a_backup_right_after_the_audit_key_was_rotated_can_be_restored(
    kept: Path, target: Environment, given_server: str, tmp_path: Path
) -> None:
    done(target, "restore", kept)
    done(target, "audit-key", "rotate")
    done(target, "backup", "--with-keyring", tmp_path / "rotated")
    with new_data_dir() as folder:
        other = settings(folder / "new", new_database(given_server))
        done(other, "restore", tmp_path / "rotated")
        assert "9 events agree with" in done(other, "verify")


def test_without_the_keyring_both_commands_say_which_keks_are_needed(
    source: Environment, target: Environment, tmp_path: Path
) -> None:
    said = done(source, "backup", tmp_path / "backup")
    (kek,) = json.loads((tmp_path / "backup" / "manifest.json").read_text())["keks"]
    keyring = Path(source["INTEGRATIONS_DATA_DIR"]) / "keyring.json"
    assert said.endswith(f" It needs {kek} of {keyring}: keep a copy.\n")
    assert not (tmp_path / "backup" / "keyring.json").exists()
    place = Path(target["INTEGRATIONS_DATA_DIR"]) / "keyring.json"
    said = done(target, "restore", tmp_path / "backup")
    missing = f"the keyring {place} is missing, with {kek}; it was not in the backup."
    assert said.splitlines()[1:] == [f"Before you start the service: {missing}"]
    assert not place.exists()
    shutil.copy2(keyring, place)
    assert len(opened(target["INTEGRATIONS_DATABASE_URL"], target)) == 9


def test_with_the_keyring_it_warns_and_all_is_for_the_owner_alone(
    source: Environment, tmp_path: Path
) -> None:
    ended = run(source, "backup", "--with-keyring", tmp_path / "made" / "backup")
    assert "this backup holds the keyring" in ended.stderr
    backup = tmp_path / "made" / "backup"
    assert backup.stat().st_mode & 0o777 == 0o700
    files = [*backup.iterdir()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    listed = json.loads((backup / "manifest.json").read_text())["files"]
    assert {file.name for file in files} == {"manifest.json", *listed}


def test_each_command_leaves_a_line_in_the_security_log(
    source: Environment, target: Environment, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    ended = [run(source, "backup", backup), *[run(target, "restore", backup) for _ in range(2)]]
    lines = [json.loads(each.stderr) for each in ended]
    shown = [(line["command"], line["ids"], line["outcome"], line["reason"]) for line in lines]
    ids = {"directory": str(tmp_path / "backup")}
    assert shown == [
        ("backup", ids | {"position": "9"}, "done", None),
        ("restore", ids | {"position": "9"}, "done", None),
        ("restore", ids, "failed", "BackupError"),
    ]


# ----- What is refused -----
def test_a_backup_goes_into_an_empty_directory_only(source: Environment, kept: Path) -> None:
    assert "holds a backup: name a new" in refusal(source, "backup", kept)
    (kept.parent / "other").mkdir()
    (kept.parent / "other" / "file").touch()
    assert "is not empty: name a new" in refusal(source, "backup", kept.parent / "other")
    assert "Not a directory" in refusal(source, "backup", kept / "manifest.json" / "x")


def test_nothing_is_made_where_there_is_nothing_to_back_up(
    target: Environment, tmp_path: Path
) -> None:
    assert "start the service once" in refusal(target, "backup", tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_a_database_of_another_release_is_not_backed_up(
    target: Environment, kept: Path, tmp_path: Path
) -> None:
    done(target, "restore", kept)
    with psycopg.connect(target["INTEGRATIONS_DATABASE_URL"]) as connection:
        connection.execute("DELETE FROM integrations.migrations WHERE name = 'audit.sql'")
    assert "run integrations migrate" in refusal(target, "backup", tmp_path / "backup")


def test_keys_that_are_not_those_of_the_log_are_not_backed_up(
    source: Environment, tmp_path: Path
) -> None:
    elsewhere = source | {"INTEGRATIONS_DATA_DIR": str(tmp_path)}
    assert f"{AUDIT_KEY} is missing" in refusal(elsewhere, "backup", tmp_path / "1")
    create_private_file(tmp_path / AUDIT_KEY, generate_pem(Ed25519PrivateKey))
    assert f"{AUDIT_KEY} is another key: run this where the service runs" in refusal(
        elsewhere, "backup", tmp_path / "2"
    )
    vault = source | {"INTEGRATIONS_KEYRING": "vault+https://vault.example:8200/v1/transit/keys/k"}
    assert "is in Vault" in refusal(vault, "backup", "--with-keyring", tmp_path / "3")
    for number in "123":
        assert [*(tmp_path / number).iterdir()] == []


@pytest.mark.slow
def test_an_installation_moves_between_postgresql_15_and_18(
    kept: Path, target: Environment, tmp_path: Path, data_dir: Path, start_service: StartService
) -> None:
    """Needs Debian's postgresql-15."""
    bin_15 = "/usr/lib/postgresql/15/bin"
    old = settings(data_dir / "old") | {"INTEGRATIONS_POSTGRES_BIN": bin_15}
    done(old, "restore", kept)
    assert (data_dir / "old/postgres/cluster/PG_VERSION").read_text() == "15\n"
    with start_service(data_dir / "old", postgres_bin=bin_15) as service:
        with service.caller() as client:
            add(client, "SG.later")
        done(old, "backup", "--with-keyring", tmp_path / "from_15")
    done(target, "restore", tmp_path / "from_15")
    assert len(opened(target["INTEGRATIONS_DATABASE_URL"], target)) == 10
    assert "10 events agree with" in done(target, "verify")
