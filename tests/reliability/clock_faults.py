"""Fault 8: the clock of the service, then that of PostgreSQL, goes an hour forward and back."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import count, pairwise

import httpx2
import psycopg

from tests.reliability.clock import NEEDS, Clock, clock
from tests.reliability.fault import Fault
from tests.reliability.ledger import Asked
from tests.reliability.load import NO_TLS, WORKSPACES
from tests.reliability.service import until
from tests.reliability.trial import Outcome, Trial, trial
from tests.reliability.witness import EVENTS, Found, folded, found, shown_to

HOUR = 3600  # seconds
MOVES = (HOUR, -HOUR, 0)
BETWEEN = 15  # acknowledged writes
BACK = 15.0  # seconds after which writes must go on: at once, on a busy machine
KEYS = 5  # that were answered before the first move, and are asked again after each
MOMENTS = 12  # of the log, evenly, of which the past is looked at
LISTED = 200  # entries of the history a page
TOKENS: Mapping[str, tuple[int, int]] = {
    "made two hours ago": (2 * HOUR, 12 * HOUR),
    "made just now": (0, 12 * HOUR),
    "that ends in half an hour": (2 * HOUR, 2 * HOUR + HOUR // 2),
}
REFUSED = {HOUR: "that ends in half an hour", 0: None, -HOUR: "made just now"}
"""The one token that is answered 401, by how far the service's clock is moved."""
NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
FALLEN = """
SELECT count(*) FILTER (WHERE latest_at < before OR latest_at < newest) FROM (
    SELECT
        newest, latest_at, lag(latest_at) OVER (PARTITION BY workspace_id ORDER BY last) AS before
    FROM (
        SELECT workspace_id, sequence AS last, created_at AS newest, latest_at
        FROM integrations.history
        UNION ALL
        SELECT workspace_id, (page + 1) * 64, (SELECT max(at) FROM unnest(times) AS at), latest_at
        FROM integrations.history_pages
    ) AS both
) AS entries
"""


def clocks(rounds: int) -> Outcome:
    """Move each clock under load, look at what was promised before; in the end, at the past."""
    with clock() as ours, clock() as theirs, trial(environment=ours.environment) as on:
        restart_by(on, theirs)
        tokens = {name: on.stage.service.token("alfa", *times) for name, times in TOKENS.items()}
        answered = [asked for asked in on.load.ledger.of("acknowledged") if asked.key][:KEYS]
        for moved in (ours, theirs) * rounds:
            for seconds in MOVES:
                move(on, moved, seconds)
                look_at_tokens(on, tokens, seconds if moved is ours else 0)
                look_at_server(on, seconds if moved is theirs else 0)
                look_at_keys(on, answered)
        on.load.end()  # what is compared must stand still
        look_at_what_was(on)
    return on.outcome


def restart_by(on: Trial, moved: Clock) -> None:
    """Restart the server by a clock of ours; return when the service has found all of it again."""
    on.stage.server.environment |= moved.environment
    on.stage.server.stop()
    on.stage.server.start()
    on.load.acknowledge(BETWEEN)
    with client_with(on, on.stage.service.token("alfa")) as client:
        until(lambda: client.get("/en/api/integration?asOf=0").is_success, 10)
    ledger = on.load.ledger  # what the restart cost is told by other faults
    ledger.longest_answer = ledger.longest_gap = 0.0
    ledger.statuses.clear()


def move(on: Trial, moved: Clock, seconds: int) -> None:
    """Move a clock under load: writes go on."""
    moved.move(seconds)
    on.load.acknowledge(1, BACK)
    on.load.acknowledge(BETWEEN)


def look_at_tokens(on: Trial, tokens: Mapping[str, str], moved: int) -> None:
    """Each token counts by the service's clock: it is good, or refused with 401."""
    for name, token in tokens.items():
        wanted = 401 if name == REFUSED[moved] else 200
        with client_with(on, token) as client:
            status = client.get("/en/api/integration?limit=1").status_code
        if status != wanted:
            on.complain("a token counts by the clock", f"one {name}: {status} at {moved:+d} s")


def look_at_keys(on: Trial, answered: Sequence[Asked]) -> None:
    """A key that was answered within 24 h gets that answer, whatever the clock says since."""
    for asked in answered:
        with client_with(on, on.stage.service.token(asked.workspace)) as client:
            headers = {"Idempotency-Key": asked.key or ""}
            answer = client.request(asked.method, asked.path, json=asked.json, headers=headers)
        if (answer.status_code, answer.content) != (asked.status, asked.body):
            detail = f"{asked.what} {asked.number}: {asked.status}, then {answer.status_code}"
            on.complain("a repeated key gets the first answer", detail)


def look_at_server(on: Trial, moved: int) -> None:
    """The server's clock is moved, else nothing is tried."""
    with psycopg.connect(on.stage.dsn) as connection:
        [(now,)] = connection.execute(NOW).fetchall()
    if abs(now - time.time() - moved) > HOUR / 2:
        on.complain("the server's clock is moved", f"by {now - time.time():+.0f} s, not {moved:+d}")


def look_at_what_was(on: Trial) -> None:
    """Ids are unique; the history is in the order of the log; each moment shows what it was."""
    with psycopg.connect(on.stage.dsn) as connection:
        log = [found(*row) for row in connection.execute(EVENTS)]
        [(fallen,)] = connection.execute(FALLEN).fetchall()
    if fallen:
        on.complain("the latest time never falls", f"it does at {fallen} entries")
    made = [each.stream for each in on.load.ledger.of("acknowledged") if each.what == "create"]
    if len(made) != len({*made}):
        on.complain("ids are unique", f"{len(made) - len({*made})} were given again")
    back = sum(later.stored.at < earlier.stored.at for earlier, later in pairwise(log))
    on.note("events with an earlier time than the one before", back)
    for workspace in WORKSPACES:
        look_at_history(on, workspace, [row for row in log if row.workspace == workspace])
    moments = [row.stored.at for row in log[:: max(1, len(log) // MOMENTS)]]
    for moment in (*moments, *(row.position for row in log[:: max(1, len(log) // MOMENTS)])):
        look_at_moment(on, moment, log)
    on.note("moments looked at", 2 * len(moments))


def look_at_history(on: Trial, workspace: str, log: Sequence[Found]) -> None:
    """The history tells every event of *workspace*, newest position first."""
    told: list[int] = []
    with client_with(on, on.stage.service.token(workspace)) as client:
        for page in count(1):
            path = f"/en/api/history-log?limit={LISTED}&page={page}"
            entries = client.get(path).raise_for_status().json()["result"]["data"]
            if not entries:
                break
            told += [entry["position"] for entry in entries]
    if told != [row.position for row in reversed(log)]:
        on.complain("history is in the order of the log", f"not that of {workspace}")


def look_at_moment(on: Trial, moment: int | datetime, log: Sequence[Found]) -> None:
    """Lists of *moment* are the fold of each integration's events up to its last one by then."""
    last = {row.stream: row.version for row in log if is_by(row, moment)}
    expected = folded([row for row in log if row.version <= last.get(row.stream, 0)])
    as_of = str(moment) if isinstance(moment, int) else moment.isoformat()
    for workspace in WORKSPACES:
        if shown_to(on.stage, workspace, as_of) != expected.get(workspace, {}):
            on.complain("a moment shows what was", f"the list of {workspace} as of {as_of}")


def is_by(row: Found, moment: int | datetime) -> bool:
    """Tell whether *row* is not later than *moment*."""
    return row.position <= moment if isinstance(moment, int) else row.stored.at <= moment


def client_with(on: Trial, token: str) -> AbstractContextManager[httpx2.Client]:
    """Return a client of the service that has *token*."""
    return httpx2.Client(
        base_url=on.stage.service.address,
        headers={"Authorization": f"Bearer {token}"},
        timeout=15,
        verify=NO_TLS,
        trust_env=False,
    )


FAULTS = [
    Fault(
        "clock",
        "the service's clock, then the server's, an hour forward and an hour back",
        clocks,
        long=5,
        apart=NEEDS,
    )
]
