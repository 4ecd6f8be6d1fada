"""integrations keys, next to a running service, and what can be restored after it."""

import resource
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
import pytest
from click.testing import CliRunner

from scripts.commands.keys import keys_commands
from tests.support.keys_command import PATH, Provider, add, complaints, done, keys, listed, outcome
from tests.support.service import (
    INTEGRATIONS,
    StartService,
    security_line,
)


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
