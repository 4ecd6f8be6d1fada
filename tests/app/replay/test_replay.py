"""The command `integrations replay`, as its user sees it."""

import json
import os
import pty
import signal
import subprocess
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import IO, TYPE_CHECKING, Any

import psutil
import psycopg
import pytest

from app.database.embedded import open_embedded
from app.database.migrate import migrate
from tests.support.waiting import wait_until

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.replay.conftest import Command, Tell
    from tests.conftest import OnTerminal

ROOT = Path(__file__).parents[3]
PATIENCE = 30  # seconds


@pytest.fixture
def replay(story: str, command: "Command") -> Any:
    """Return what replays the story: `replay("--from", "2")`; its answer is stdout."""

    def replay(*options: str, status: int = 0) -> str:
        done = subprocess.run(
            command("replay", *options, DATABASE_URL=story),
            check=False, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done.stderr if status else done.stdout

    return replay


def positions(lines: str) -> list[int]:
    return [json.loads(line)["position"] for line in lines.splitlines()]


def test_a_line_holds_what_the_contract_promises_and_nothing_else(replay: Any) -> None:
    first = json.loads(replay().splitlines()[0])
    assert first == {
        "position": 1,
        "workspaceId": "a",
        "integrationId": "int_1",
        "version": 1,
        "type": "IntegrationCreated",
        "at": "2026-11-05T09:00:00.000Z",
        "actor": {"sub": "user-1", "name": "Zoë", "email": "zoe@example.org"},
        "data": {
            "name": "Mail",
            "type": "SENDGRID",
            "channel": "EMAIL",
            "isActive": True,
            "senderEmail": None,
            "senderName": None,
            "senderPhone": None,
            "vapidPublicKey": None,
            "credentials": [
                {"field": "apiKey", "version": 1, "kek": "kek-1", "commitment": "c0ffee"}
            ],
            "settings": None,
        },
    }
    assert json.loads(replay().splitlines()[4])["data"] == {}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [1, 2, 3, 4, 5]),
        (["--workspace", "a"], [1, 3, 4]),
        (["--integration", "int_2"], [2, 5]),
        (["--workspace", "a", "--to", "0"], []),
        (["-n", "2"], [4, 5]),
        (["-n", "9"], [1, 2, 3, 4, 5]),
        (["-n", "2", "--workspace", "a"], [3, 4]),
        (["-n", "1", "--integration", "int_2"], [5]),
        (["-n", "2", "--to", "4"], [3, 4]),
        (["-n", "2", "--to", "2026-11-05T09:02:30Z"], [2, 3]),
        (["-n", "2", "--from", "2026-11-05T09:05:00Z"], []),
        (["--from", "2", "--to", "4"], [2, 3, 4]),
        (["--from", "2026-11-05T09:01:00Z", "--to", "2026-11-05T10:03:00+01:00"], [2, 3, 4]),
        (["--from", "2026-11-05 09:03"], [4, 5]),
        (["--from", "99"], []),
        (["--to", "0"], []),
    ],
)
def test_filters_hold_together_and_both_ends_are_included(
    replay: Any, options: list[str], expected: list[int]
) -> None:
    assert positions(replay(*options)) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("0", []),
        ("1", [("int_1", 1, "Mail", True)]),
        ("2026-11-05T09:01:00Z", [("int_1", 1, "Mail", True), ("int_2", 1, "Mail", True)]),
        ("4", [("int_1", 3, "Post\x9b31m\u202e", False), ("int_2", 1, "Mail", True)]),
        ("5", [("int_1", 3, "Post\x9b31m\u202e", False)]),
    ],
)
def test_as_of_shows_the_integrations_as_they_were_deleted_ones_included(
    replay: Any, moment: str, expected: list[tuple[Any, ...]]
) -> None:
    rows = [json.loads(line) for line in replay("--as-of", moment).splitlines()]
    assert [(r["id"], r["version"], r["name"], r["isActive"]) for r in rows] == expected


def test_as_of_of_one_workspace_leaves_out_the_others(replay: Any) -> None:
    [row] = map(json.loads, replay("--as-of", "4", "--workspace", "b").splitlines())
    assert row["workspaceId"] == "b"
    assert row["createdAt"] == row["updatedAt"] == "2026-11-05T09:01:00.000Z"
    assert "name_key" not in row
    assert "nameKey" not in row


@pytest.mark.parametrize(
    "options",
    [
        ["--as-of", "1", "--follow"], ["--as-of", "1", "--to", "2"], ["--follow", "--to", "2"],
        ["--as-of", "1", "-n", "2"], ["-n", "0"],
        ["--from", "yesterday"], ["--to", "1" * 30],
    ],
)  # fmt: skip
def test_options_that_contradict_each_other_or_mean_nothing_are_refused(
    replay: Any, options: list[str]
) -> None:
    assert replay(*options, status=2).startswith("Usage:")


def test_a_table_shows_who_did_what_and_no_name_can_command_the_terminal(replay: Any) -> None:
    table = replay("--format", "table").splitlines()
    assert table[0].split() == [
        "position", "at", "workspace", "integration", "version", "event", "who", "what",
    ]  # fmt: skip
    assert "credentials apiKey v1" in "".join(table)
    assert "name Post�31m�" in table[table.index(next(r for r in table if "Renamed" in r))]
    assert "\x1b" not in "".join(table)


def test_on_a_terminal_it_is_a_coloured_table(story: str, command: "Command") -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(
            command("replay", "--to", "1", DATABASE_URL=story),
            check=True, stdout=theirs, stderr=subprocess.DEVNULL, timeout=PATIENCE,
            env={**os.environ, "TERM": "xterm-256color"},
        )  # fmt: skip
        os.close(theirs)
        shown = terminal.read(4096)
    assert done.returncode == 0
    assert b"\x1b[32mIntegrationCreated" in shown
    assert len(shown.splitlines()) == 2  # a head, and one line an event


def test_on_a_terminal_long_work_has_a_progress_bar(
    story: str, command: "Command", on_terminal: "OnTerminal"
) -> None:
    with psycopg.connect(story) as connection:
        connection.execute(MANY, (6, 20_000))
    assert "20000/20000" in on_terminal(command("replay", DATABASE_URL=story))


def test_without_a_log_it_says_what_to_do(command: "Command", server_dsn: str) -> None:
    done = subprocess.run(
        command("replay", DATABASE_URL=f"{server_dsn} dbname=template1"),
        check=False, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("integrations: There is no log to read in this database: ")
    assert done.stderr.count("\n") == 1


def test_the_script_by_path_does_the_same(story: str) -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "replay_audit_log.py", "--from", "5"],
        env={**os.environ, "INTEGRATIONS_DATABASE_URL": story}, cwd="/",
        check=True, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert positions(done.stdout) == [5]


# ----- Long outputs, and ends -----
MANY = """
INSERT INTO integrations.events (
    position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope
)
SELECT n, workspace_id, n, 'int_' || n, 1, type, action, actor_id, at, envelope
FROM integrations.events, generate_series(%s::bigint, %s) AS n WHERE position = 1
"""


def test_a_reader_that_leaves_ends_it_without_a_word(story: str, command: "Command") -> None:
    with psycopg.connect(story) as connection:
        connection.execute(MANY, (6, 20_000))
    with subprocess.Popen(
        command("replay", DATABASE_URL=story), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == -signal.SIGPIPE


@pytest.mark.parametrize("events", [120_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_its_memory_does_not_grow_with_the_log(story: str, command: "Command", events: int) -> None:
    peaks: list[int] = []
    for first, last in ((6, 6), (7, events)):
        with psycopg.connect(story) as connection:
            connection.execute(MANY, (first, last))
        with subprocess.Popen(
            command("replay", DATABASE_URL=story), stdout=subprocess.DEVNULL
        ) as process:
            peaks.append(peak_of(process))
        assert process.returncode == 0
    assert peaks[1] < peaks[0] + 40_000_000


def peak_of(process: subprocess.Popen[bytes]) -> int:
    """Return the most memory that *process* is seen to have, in bytes."""
    peak, watched = 0, psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, watched.memory_info().rss)
    return peak


# ----- Following -----
def lines_of(output: IO[bytes], amount: int) -> list[int]:
    """Return the positions of the next lines, within PATIENCE."""
    end = monotonic() + PATIENCE
    found = [json.loads(line)["position"] for line in islice(output, amount)]
    assert monotonic() < end
    return found


def test_following_ends_with_ctrl_c_and_without_a_traceback(story: str, command: "Command") -> None:
    with subprocess.Popen(
        command("replay", "--follow", "-n", "3", DATABASE_URL=story),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        assert lines_of(process.stdout, 3) == [3, 4, 5]
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGINT


def test_following_misses_nothing_and_repeats_nothing_when_the_server_is_killed(
    data_dir: Path, command: "Command", tell: "Tell"
) -> None:
    with open_embedded(data_dir, durable=True) as server:
        migrate(server.dsn)
        tell(server.dsn)
        with subprocess.Popen(
            command("replay", "--follow", "--from", "2", DATA_DIR=str(data_dir)),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            try:
                assert process.stdout
                assert process.stderr
                assert lines_of(process.stdout, 4) == [2, 3, 4, 5]
                kill_postmaster(data_dir)
                assert b"The database is away; waiting for it." in process.stderr.readline()
                with open_embedded(data_dir, durable=True) as again:
                    append_one_more(again.dsn)
                    assert lines_of(process.stdout, 1) == [6]
            finally:
                process.kill()


def kill_postmaster(data_dir: Path) -> None:
    """Kill the server as a crash would."""
    pid_file = data_dir / "postgres" / "cluster" / "postmaster.pid"
    os.kill(int(pid_file.read_text().split("\n", 1)[0]), signal.SIGKILL)


def append_one_more(dsn: str) -> None:
    """Append an event to a server that may still be recovering, or not listen yet."""
    wait_until(lambda: accepts_connections(dsn))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(MANY, (6, 6))


def accepts_connections(dsn: str) -> bool:
    """Return whether a server accepts connections at *dsn*."""
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return False
    return True
