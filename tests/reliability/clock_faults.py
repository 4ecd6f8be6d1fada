"""Fault 8: the clock of the service, then that of PostgreSQL, moves an hour forward and back."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import count, pairwise

import httpx2
import psycopg

from tests.reliability.client import NO_TLS, WORKSPACES
from tests.reliability.clock import NEEDS, Clock, movable_clock
from tests.reliability.experiment import Experiment, Outcome, run_experiment
from tests.reliability.fault import Fault
from tests.reliability.observation import EVENTS, StoredRow, fold_log, list_integrations, stored_row
from tests.reliability.request_ledger import RecordedRequest
from tests.reliability.service import until

HOUR = 3600  # seconds
MOVES = (HOUR, -HOUR, 0)
WRITES_BETWEEN = 15  # acknowledged writes
RECOVERY_TIMEOUT = 15.0  # seconds after which writes must continue: at once, on a busy machine
KEYS = 5  # with a response from before the first move, repeated after each
POINTS_IN_TIME = 12  # of the log, evenly, of which the past is looked at
LISTED = 200  # entries of the history a page
TOKENS: Mapping[str, tuple[int, int]] = {
    "made two hours ago": (2 * HOUR, 12 * HOUR),
    "made just now": (0, 12 * HOUR),
    "that ends in half an hour": (2 * HOUR, 2 * HOUR + HOUR // 2),
}
REFUSED = {HOUR: "that ends in half an hour", 0: None, -HOUR: "made just now"}
"""The one token that gets 401, by how far the service's clock is moved."""
NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"


def move_clocks(rounds: int) -> Outcome:
    """Move each clock under load and check tokens and keys; finally check the past."""
    with (
        movable_clock() as ours,
        movable_clock() as theirs,
        run_experiment(service_env=ours.environment) as experiment,
    ):
        restart_with_clock(experiment, theirs)
        tokens = {name: experiment.service.token("alfa", *times) for name, times in TOKENS.items()}
        answered = [
            request for request in experiment.load.ledger.of("acknowledged") if request.key
        ][:KEYS]
        for moved in (ours, theirs) * rounds:
            for seconds in MOVES:
                move(experiment, moved, seconds)
                check_tokens(experiment, tokens, seconds if moved is ours else 0)
                check_server_clock(experiment, seconds if moved is theirs else 0)
                check_stored_responses(experiment, answered)
        experiment.load.end()  # what is compared must stand still
        check_past(experiment)
    return experiment.outcome


def restart_with_clock(experiment: Experiment, moved: Clock) -> None:
    """Restart the server with a movable clock; return when the service has reconnected."""
    experiment.server.environment |= moved.environment
    experiment.server.stop()
    experiment.server.start()
    experiment.load.acknowledge(WRITES_BETWEEN)
    with open_client(experiment, experiment.service.token("alfa")) as client:
        until(lambda: client.get("/en/api/integration?asOf=0").is_success, 10)
    ledger = experiment.load.ledger  # other faults measure what a restart costs
    ledger.slowest_response = ledger.longest_gap = 0.0
    ledger.statuses.clear()


def move(experiment: Experiment, moved: Clock, seconds: int) -> None:
    """Move a clock under load: writes continue."""
    moved.move(seconds)
    experiment.load.acknowledge(1, RECOVERY_TIMEOUT)
    experiment.load.acknowledge(WRITES_BETWEEN)


def check_tokens(experiment: Experiment, tokens: Mapping[str, str], moved: int) -> None:
    """Each token counts by the service's clock: it is good, or refused with 401."""
    for name, token in tokens.items():
        wanted = 401 if name == REFUSED[moved] else 200
        with open_client(experiment, token) as client:
            status = client.get("/en/api/integration?limit=1").status_code
        if status != wanted:
            experiment.report(
                "a token counts by the clock", f"one {name}: {status} at {moved:+d} s"
            )


def check_stored_responses(experiment: Experiment, answered: Sequence[RecordedRequest]) -> None:
    """A key gets its stored response within 24 h, whatever the clock says since."""
    for request in answered:
        with open_client(experiment, experiment.service.token(request.workspace)) as client:
            headers = {"Idempotency-Key": request.key or ""}
            response = client.request(
                request.method, request.path, json=request.json, headers=headers
            )
        if (response.status_code, response.content) != (request.status, request.body):
            statuses = f"{request.status}, then {response.status_code}"
            detail = f"{request.operation} {request.number}: {statuses}"
            experiment.report("a repeated key gets the first answer", detail)


def check_server_clock(experiment: Experiment, moved: int) -> None:
    """The server's clock is moved, else nothing is tried."""
    with psycopg.connect(experiment.dsn) as connection:
        [(now,)] = connection.execute(NOW).fetchall()
    if abs(now - time.time() - moved) > HOUR / 2:
        experiment.report(
            "the server's clock is moved", f"by {now - time.time():+.0f} s, not {moved:+d}"
        )


def check_past(experiment: Experiment) -> None:
    """Check that ids are unique, and that the history and points in time agree with the log."""
    with psycopg.connect(experiment.dsn) as connection:
        log = [stored_row(*row) for row in connection.execute(EVENTS)]
    made = [
        each.stream
        for each in experiment.load.ledger.of("acknowledged")
        if each.operation == "create"
    ]
    if len(made) != len({*made}):
        experiment.report("ids are unique", f"{len(made) - len({*made})} were given again")
    back = sum(later.stored.at < earlier.stored.at for earlier, later in pairwise(log))
    experiment.record("events with an earlier time than the one before", back)
    for workspace in WORKSPACES:
        check_history(experiment, workspace, [row for row in log if row.workspace == workspace])
    points = [row.stored.at for row in log[:: max(1, len(log) // POINTS_IN_TIME)]]
    for point in (*points, *(row.position for row in log[:: max(1, len(log) // POINTS_IN_TIME)])):
        check_point_in_time(experiment, point, log)
    experiment.record("moments looked at", 2 * len(points))


def check_history(experiment: Experiment, workspace: str, log: Sequence[StoredRow]) -> None:
    """The history has every event of *workspace*, newest position first."""
    positions: list[int] = []
    with open_client(experiment, experiment.service.token(workspace)) as client:
        for page in count(1):
            path = f"/en/api/history-log?limit={LISTED}&page={page}"
            entries = client.get(path).raise_for_status().json()["result"]["data"]
            if not entries:
                break
            positions += [entry["position"] for entry in entries]
    if positions != [row.position for row in reversed(log)]:
        experiment.report("history is in the order of the log", f"not that of {workspace}")


def check_point_in_time(
    experiment: Experiment, point: int | datetime, log: Sequence[StoredRow]
) -> None:
    """Lists as of *point* are the fold of each integration's events up to then."""
    last = {row.stream: row.version for row in log if is_not_after(row, point)}
    expected = fold_log([row for row in log if row.version <= last.get(row.stream, 0)])
    as_of = str(point) if isinstance(point, int) else point.isoformat()
    for workspace in WORKSPACES:
        if list_integrations(experiment.environment, workspace, as_of) != expected.get(
            workspace, {}
        ):
            experiment.report("a moment shows what was", f"the list of {workspace} as of {as_of}")


def is_not_after(row: StoredRow, point: int | datetime) -> bool:
    """Return whether *row* is not later than *point*."""
    return row.position <= point if isinstance(point, int) else row.stored.at <= point


def open_client(experiment: Experiment, token: str) -> AbstractContextManager[httpx2.Client]:
    """Return a client of the service that has *token*."""
    return httpx2.Client(
        base_url=experiment.service.address,
        headers={"Authorization": f"Bearer {token}"},
        timeout=15,
        verify=NO_TLS,
        trust_env=False,
    )


FAULTS = [
    Fault(
        "clock",
        "the service's clock, then the server's, an hour forward and an hour back",
        move_clocks,
        long=5,
        apart=NEEDS,
    )
]
