"""integrations restore: what it makes, and which backups it refuses."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.private_files import create_private_file
from tests.support.backups import AUDIT_KEY, Environment, done, refusal, schemas

WALLS = """
SELECT relname, relrowsecurity, relforcerowsecurity, relacl::text, ARRAY(
    SELECT polname || polroles::regrole[]::text FROM pg_policy WHERE polrelid = c.oid ORDER BY 1
) FROM pg_class AS c WHERE relnamespace = 'integrations'::regnamespace ORDER BY relname
"""


def test_rights_and_row_level_security_are_those_of_a_new_installation(
    source: Environment, kept: Path, target: Environment
) -> None:
    done(target, "restore", kept)
    walls: list[list[Any]] = []
    for environment in (source, target):
        with psycopg.connect(environment["INTEGRATIONS_DATABASE_URL"]) as connection:
            walls.append(connection.execute(WALLS).fetchall())
    assert walls[0] == walls[1]


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
