"""Fault 3: the service gets SIGTERM under load, with slow clients and `replay --follow`."""

import os
import random
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import psutil
import psycopg

from app.event_store.log_range import head_position
from tests.reliability.experiment import Experiment, Outcome, run_experiment
from tests.reliability.fault import Fault
from tests.reliability.service import until
from tests.reliability.slow_clients import LATE, Idler, SlowClient, SlowReader, SlowSender

WRITES_BETWEEN = 40  # acknowledged writes
EXIT_TIMEOUT = 10.0  # seconds; as many times as long as the machine has more to do than it can
FOR_EVER = 60.0  # seconds, longer than anybody waits
CUT = "no accepted request is cut"
CATCH_UP_TIMEOUT = 60.0  # seconds
ACCEPT_TIMEOUT = 60.0  # seconds
READ_DELAY = 0.5  # seconds in which a worker reads what it has accepted


class AccessLine(msgspec.Struct):
    """What a line of the service's log says, as far as it matters here."""

    event: str = ""
    request_id: str = ""


class ReplayLine(msgspec.Struct):
    """What a line of `replay --format jsonl` says, as far as it matters here."""

    position: int


def stop(rounds: int) -> Outcome:
    """Send SIGTERM under load, wait for the end, and start again."""
    with run_experiment(workers=2) as experiment:
        follower = Follower(experiment)
        took = [stop_once(experiment) for _ in range(rounds)]
        experiment.load.acknowledge(WRITES_BETWEEN)
        experiment.load.end()
        require_all_answered(experiment)
        require_all_followed(experiment, follower)
        experiment.record("stops", rounds)
        experiment.record("exit, at most", f"{max(took):.1f} s")
    return experiment.outcome


def stop_once(experiment: Experiment) -> float:
    """Stop the service amid clients of each kind, and start it; return the seconds to stop."""
    experiment.load.acknowledge(WRITES_BETWEEN)
    dice = random.Random(0)  # noqa: S311 — no secret
    requests = [experiment.load.shared.workload.new("create", "alfa", dice) for _ in range(2)]
    for each in requests:
        each.key = None
    experiment.load.ledger.requests.extend(requests)
    late, never = (
        SlowSender(experiment.environment, a, wait=w)
        for a, w in zip(requests, (LATE, FOR_EVER), strict=False)
    )
    reader, deaf = (
        SlowReader(experiment.environment, wait=LATE),
        SlowReader(experiment.environment, wait=FOR_EVER),
    )
    idler = Idler(experiment.environment)
    clients = (late, never, reader, deaf, idler)
    if until(lambda: all_accepted(experiment, clients), ACCEPT_TIMEOUT) < 0:
        experiment.report(CUT, "some were never accepted")
    time.sleep(READ_DELAY)
    for client in clients:
        client.start()
    took = terminate(experiment)
    for client in (late, reader, idler):
        client.join(FOR_EVER)
    if late.status != 201 or not late.is_whole:
        experiment.report(CUT, f"a body that came late was answered {late.status}")
    else:
        requests[0].settle(201, 1, late.response)
        experiment.load.ledger.answered.update(requests[0].request_ids)
    if reader.status != 200 or not reader.is_whole:
        experiment.report(CUT, f"{len(reader.response)} bytes of an answer that was read late")
    experiment.service.start()
    return took


def all_accepted(experiment: Experiment, clients: Sequence[SlowClient]) -> bool:
    """Return whether a worker has accepted each of *clients*: the kernel may reset the others."""
    known = {
        connection.raddr.port
        for worker in experiment.service.workers()
        for connection in worker.net_connections("tcp")
        if connection.raddr
    }
    return {client.port for client in clients} <= known


def terminate(experiment: Experiment) -> float:
    """Send SIGTERM; return the seconds to its successful exit."""
    service, workers = experiment.service, experiment.service.workers()
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    began = time.monotonic()
    service.terminate()
    try:
        status = service.wait(EXIT_TIMEOUT * busy)
    except subprocess.TimeoutExpired:
        experiment.report(
            "exit within 10 s", f"it still runs, on a machine {busy:.1f} times as busy"
        )
        service.kill()
        return EXIT_TIMEOUT * busy
    took = time.monotonic() - began
    if status:
        experiment.report("exit within 10 s", f"with status {status}")
    if left := psutil.wait_procs(workers, timeout=5)[1]:
        experiment.report("exit within 10 s", f"{len(left)} workers are left")
    return took


def require_all_answered(experiment: Experiment) -> None:
    """Check the access log: each request that it lists must have got its response."""
    lines = experiment.service.log_file.read_bytes().splitlines()
    accepted: set[str] = set()
    for line in lines:
        with suppress(msgspec.DecodeError):
            entry = msgspec.json.decode(line, type=AccessLine)
            if entry.event == "request" and entry.request_id.startswith(("r", "g")):
                accepted.add(entry.request_id)
    ours = {name for name in accepted if name[1:2].isdigit()}
    if cut := ours - experiment.load.ledger.answered:
        experiment.report(CUT, f"{len(cut)} of {len(ours)} were served unheard, as {min(cut)}")
    experiment.record("requests in the access log", f"{len(ours):,}")


class Follower:
    """`integrations replay --follow`, writing into a file."""

    def __init__(self, experiment: Experiment) -> None:
        self.file = experiment.environment.folder / "followed.jsonl"
        self.process = experiment.service.spawn(
            "replay", "--follow", "--format", "jsonl", out=self.file
        )

    def positions(self) -> list[int]:
        """Return what it has written so far."""
        whole = self.file.read_bytes().rpartition(b"\n")[0].splitlines()
        return [msgspec.json.decode(line, type=ReplayLine).position for line in whole]

    def end(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(CATCH_UP_TIMEOUT)


def require_all_followed(experiment: Experiment, follower: Follower) -> None:
    """Report a violation unless the follower wrote each position, once and in order."""
    with psycopg.connect(experiment.environment.dsn) as connection:
        head = head_position(connection)
    until(lambda: len(follower.positions()) >= head, CATCH_UP_TIMEOUT)
    alive = follower.process.poll() is None
    follower.end()
    positions = follower.positions()
    if not alive or positions != [*range(1, head + 1)]:
        experiment.report("replay --follow continues", f"{len(positions)} positions, {alive=}")


FAULTS = [
    Fault(
        "service-stop",
        "SIGTERM under load, with slow bodies, slow readers, idle connections, replay --follow",
        stop,
        long=6,
    ),
]
