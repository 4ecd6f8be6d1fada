"""integrations backup and restore, as an operator types them, between real servers."""

import asyncio
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row

from app.backup.manifest import check_files, read_manifest
from app.database.embedded import open_embedded
from app.private_files import create_private_file
from app.progress import no_progress
from app.secrets.keyring_factory import open_keyring
from app.secrets.sealing import SealedSecret, unseal
from app.tokens.private_key_file import generate_pem
from scripts.commands.cli import commands
from scripts.commands.user_errors import USER_ERRORS

Service = Any  # that of tests/conftest.py, which cannot be imported
StartService = Callable[..., AbstractContextManager[Service]]
Environment = dict[str, str]
INTEGRATIONS = (sys.executable, "-c", "from scripts.commands.cli import main; main()")
PATH = "/en/api/integration"
AUDIT_KEY = "audit-key.pem"
NUMBERS = count(1)
SECRETS = """
SELECT workspace_id AS workspace, stream, field, version, kek, wrapped_key, nonce, ciphertext
FROM integrations.secret_store ORDER BY stream
"""
ROWS = "SELECT position, workspace_id, sequence, envelope FROM integrations.events ORDER BY 1"
WALLS = """
SELECT relname, relrowsecurity, relforcerowsecurity, relacl::text, ARRAY(
    SELECT polname || polroles::regrole[]::text FROM pg_policy WHERE polrelid = c.oid ORDER BY 1
) FROM pg_class AS c WHERE relnamespace = 'integrations'::regnamespace ORDER BY relname
"""


# ----- Installations, and where they are restored -----
@pytest.fixture(scope="module")
def given_server() -> Generator[str]:
    """Another server, on which `owner` may make roles and is no superuser."""
    with new_folder() as folder, open_embedded(folder, durable=False) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE ROLE owner LOGIN CREATEROLE")
        yield make_conninfo(server.dsn)


@pytest.fixture
def given(given_server: str) -> str:
    """An empty database that belongs to `owner`."""
    return new_database(given_server)


def new_database(server: str) -> str:
    """Return the conninfo of a new database on *server*, as its `owner`."""
    name = f"given_{next(NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER owner".encode())
    return make_conninfo(server, dbname=name, user="owner")


@contextmanager
def new_folder() -> Generator[Path]:
    """Yield a folder that the account of PostgreSQL can enter."""
    with TemporaryDirectory(prefix="integrations-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def source(given_server: str, start_service: StartService) -> Generator[Environment]:
    """The settings of a stopped installation on a given server, with nine integrations."""
    with new_folder() as folder:
        dsn = new_database(given_server)
        with start_service(folder, database_url=dsn) as service, service.caller() as client:
            for number in range(9):
                add(client, f"SG.key-{number}")
        yield service.environment


@pytest.fixture(scope="module")
def kept(source: Environment) -> Generator[Path]:
    """A backup of `source` with its keyring."""
    with new_folder() as folder:
        assert done(source, "backup", "--with-keyring", folder / "backup")
        yield folder / "backup"


@pytest.fixture
def backup(kept: Path, tmp_path: Path) -> Path:
    """A copy of that backup, to be damaged."""
    return Path(shutil.copytree(kept, tmp_path / "backup"))


@pytest.fixture
def target(data_dir: Path, given: str) -> Environment:
    """The settings of a host with an empty database and data directory."""
    return settings(data_dir / "new", given)


def settings(data_dir: Path, dsn: str | None = None) -> Environment:
    """Return the environment of an installation in *data_dir*, embedded without a *dsn*."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INTEGR")}
    clean["INTEGRATIONS_DATA_DIR"] = str(data_dir)
    return clean if dsn is None else clean | {"INTEGRATIONS_DATABASE_URL": dsn}


def add(client: Any, key: str) -> str:
    body = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": key}
    response = client.post(PATH, json=body)
    assert response.status_code == 201, response.text
    return response.json()["result"]["data"]["id"]


def run(environment: Environment, *words: str | Path) -> Result:
    """Run a command to its end, in this process, which is quicker."""
    given = {name: value for name, value in environment.items() if name.startswith("INTEGR")}
    return CliRunner().invoke(commands, [*map(str, words)], env=given)


def done(environment: Environment, *words: str | Path) -> str:
    """Run a command, which must succeed; return what it prints."""
    ended = run(environment, *words)
    assert ended.exit_code == 0, ended.exception
    return ended.stdout


def refusal(environment: Environment, *words: str | Path) -> str:
    """Run a command, which must fail with one line; return the line."""
    ended = run(environment, *words)
    assert isinstance(ended.exception, USER_ERRORS), ended.exception
    assert (ended.stdout, str(ended.exception).count("\n")) == ("", 0)
    return str(ended.exception)


def log_of(dsn: str) -> list[Any]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(ROWS).fetchall()


def opened(dsn: str, environment: Environment) -> list[str]:
    """Return the secrets in the database, opened with the keyring of *environment*."""
    keyring = open_keyring(f"{environment['INTEGRATIONS_DATA_DIR']}/keyring.json", None)

    async def unsealed(rows: Sequence[SealedSecret]) -> list[str]:
        return [(await unseal(keyring, row)).reveal().decode() for row in rows]

    with (
        psycopg.connect(dsn) as connection,
        connection.cursor(row_factory=class_row(SealedSecret)) as cursor,
    ):
        return asyncio.run(unsealed(cursor.execute(SECRETS).fetchall()))


# ----- What comes back -----
class Writers:
    """Clients that create integrations until the block ends; `acknowledged` are their ids."""

    def __init__(self, service: Service, amount: int) -> None:
        self.acknowledged: list[str] = []
        self._service = service
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._write) for _ in range(amount)]

    def _write(self) -> None:
        with self._service.caller() as client:
            while not self._stopping.is_set():
                self.acknowledged.append(add(client, f"SG.{next(NUMBERS)}"))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()


def wait_for(condition: Callable[[], object]) -> None:
    ticks = threading.Event()
    for _ in range(600):
        if condition():
            return
        ticks.wait(0.05)
    pytest.fail("it did not come about")


def test_a_backup_under_load_has_all_that_was_acknowledged_before_it(
    data_dir: Path, given: str, tmp_path: Path, start_service: StartService
) -> None:
    # Given an embedded database, clients that write, and a checkpoint that is kept elsewhere.
    checkpoint = tmp_path / "checkpoint.txt"
    home = data_dir / "home"
    home.mkdir(mode=0o711)
    with start_service(home) as service, Writers(service, 3) as writers:
        wait_for(lambda: len(writers.acknowledged) > 50)
        wait_for(lambda: run(service.environment, "checkpoint").exit_code == 0)
        checkpoint.write_text(done(service.environment, "checkpoint"))
        before = writers.acknowledged.copy()
        # When a backup is made, and restored to a given server.
        said = done(service.environment, "backup", "--with-keyring", tmp_path / "backup")
        after = len(writers.acknowledged)
        wait_for(lambda: len(writers.acknowledged) > after)
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
    with new_folder() as folder:
        other = settings(folder / "new", new_database(given_server))
        done(other, "restore", tmp_path / "rotated")
        assert "9 events agree with" in done(other, "verify")


def test_rights_and_row_level_security_are_those_of_a_new_installation(
    source: Environment, kept: Path, target: Environment
) -> None:
    done(target, "restore", kept)
    walls: list[list[Any]] = []
    for environment in (source, target):
        with psycopg.connect(environment["INTEGRATIONS_DATABASE_URL"]) as connection:
            walls.append(connection.execute(WALLS).fetchall())
    assert walls[0] == walls[1]


def test_without_the_keyring_both_commands_say_which_keks_are_needed(
    source: Environment, target: Environment, tmp_path: Path
) -> None:
    said = done(source, "backup", tmp_path / "backup")
    (kek,) = json.loads((tmp_path / "backup" / "manifest.json").read_text())["keks"]
    keyring = Path(source["INTEGRATIONS_DATA_DIR"]) / "keyring.json"
    assert said.endswith(f"Its secrets need {kek} of {keyring}: keep a copy.\n")
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
    create_private_file(tmp_path / AUDIT_KEY, generate_pem())
    assert f"{AUDIT_KEY} is another key: run this where the service runs" in refusal(
        elsewhere, "backup", tmp_path / "2"
    )
    vault = source | {"INTEGRATIONS_KEYRING": "vault+https://vault.example:8200/v1/transit/keys/k"}
    assert "is in Vault" in refusal(vault, "backup", "--with-keyring", tmp_path / "3")
    for number in "123":
        assert [*(tmp_path / number).iterdir()] == []


def flip(path: Path) -> None:
    """Change one bit in the middle of the file *path*."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("damage", "file", "said"),
    [
        (flip, "events.copy", "events.copy is not as it was backed up: use another backup."),
        (flip, AUDIT_KEY, "audit-key.pem is not as it was backed up"),
        (flip, "keyring.json", "keyring.json is not as it was backed up"),
        (cut, "secret_store.copy", "secret_store.copy is not as it was backed up"),
        (Path.unlink, "audit_tiles.copy", "audit_tiles.copy: No such file"),
        (Path.unlink, "manifest.json", "is no complete backup: it has no manifest.json"),
        (cut, "manifest.json", "manifest.json is damaged"),
    ],
)
def test_a_damaged_backup_is_refused_before_anything_is_done(
    damage: Callable[[Path], None], file: str, said: str, backup: Path, target: Environment
) -> None:
    damage(backup / file)
    assert said in refusal(target, "restore", backup)
    assert not Path(target["INTEGRATIONS_DATA_DIR"]).exists()
    assert schemas(target) == 0


def schemas(environment: Environment) -> int:
    """Return whether the database has our schema: 0 or 1."""
    with psycopg.connect(environment["INTEGRATIONS_DATABASE_URL"]) as connection:
        found = connection.execute("SELECT FROM pg_namespace WHERE nspname = 'integrations'")
        return found.rowcount


def set_in_manifest(backup: Path, **fields: object) -> None:
    path = backup / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def forge(backup: Path, file: str, old: bytes, new: bytes) -> None:
    """Change the content of *file* and its hash in the manifest."""
    content = (backup / file).read_bytes()
    assert old in content
    (backup / file).write_bytes(content.replace(old, new, 1))
    files = json.loads((backup / "manifest.json").read_text())["files"]
    files[file]["sha256"] = sha256((backup / file).read_bytes()).hexdigest()
    set_in_manifest(backup, files=files)


FORGERIES: dict[str, tuple[Callable[[Path], None], str]] = {
    "an edited event": (
        lambda backup: forge(backup, "events.copy", b'"name":"n"', b'"name":"m"'),
        "cannot be verified: position 1: the event is not the one that was signed.",
    ),
    "an edited view": (
        lambda backup: forge(backup, "integration_view.copy", b"SENDGRID", b"SENDGRAD"),
        "cannot be verified: position ",
    ),
    "rows that are none": (
        lambda backup: forge(backup, "events.copy", b"PGCOPY", b"XXCOPY"),
        "was not restored: ",
    ),
    "another end": (
        lambda backup: set_in_manifest(backup, position=8),
        "it has 9 events and should have 8.",
    ),
    "another release": (
        lambda backup: set_in_manifest(backup, release="9.9", schema={"events.sql": "0"}),
        "was made by release 9.9, which has other tables: restore it with that release",
    ),
    "another checkpoint": (
        lambda backup: set_in_manifest(backup, checkpoint="integrations\n9\n"),
        "cannot be verified: ",
    ),
    "another format": (
        lambda backup: set_in_manifest(backup, version=2),
        "manifest.json is damaged, or of another release",
    ),
    "a name that leads elsewhere": (
        lambda backup: set_in_manifest(backup, files={"../x.pem": {"size": 0, "sha256": ""}}),
        "manifest.json is damaged, or of another release",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_backup_is_refused_and_leaves_the_database_empty(
    forgery: str, backup: Path, kept: Path, target: Environment
) -> None:
    change, said = FORGERIES[forgery]
    change(backup)
    assert said in refusal(target, "restore", backup)
    assert not [*Path(target["INTEGRATIONS_DATA_DIR"]).glob("*.*")]
    done(target, "restore", kept)


def test_nothing_that_is_there_is_replaced(
    source: Environment, kept: Path, target: Environment
) -> None:
    assert "The database is not empty" in refusal(source, "restore", kept)
    home = Path(target["INTEGRATIONS_DATA_DIR"])
    home.mkdir()
    for name in (AUDIT_KEY, "token-key.pem", "keyring.json", "another-key.pem"):
        create_private_file(home / name, b"other")
        said = refusal(target, "restore", kept)
        assert f"{home / name} is there already, and is not the one of the backup" in said
        assert (home / name).read_bytes() == b"other"
        (home / name).unlink()
    assert schemas(target) == 0
    done(target, "restore", kept)
    assert "The database is not empty" in refusal(target, "restore", kept)


# ----- Disks that are full, and commands that are killed -----
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
        assert b"This host has not the keys of the database" in started.stderr
    done(target, "restore", kept)
    assert "9 events agree with" in done(target, "verify")


# ----- Long forms -----
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
