"""Fault 3: the service is told to stop under load, amid slow clients and beside a follower."""

import os
import random
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import msgspec
import psutil

from tests.reliability.fault import Fault
from tests.reliability.service import until
from tests.reliability.slow_clients import LATE, Idler, SlowClient, SlowReader, SlowSender
from tests.reliability.trial import Outcome, Trial, trial

BETWEEN = 40  # acknowledged writes
EXIT_WITHIN = 10.0  # seconds; as many times as long as the machine has more to do than it can
FOR_EVER = 60.0  # seconds, longer than anybody waits
CUT = "no accepted request is cut"
CAUGHT_UP = 60.0  # seconds
ACCEPTED_WITHIN = 60.0  # seconds
READ_WITHIN = 0.5  # seconds in which a worker reads what it has accepted


class AccessLine(msgspec.Struct):
    """What a line of the service's log says, as far as it matters here."""

    event: str = ""
    request_id: str = ""


class ReplayLine(msgspec.Struct):
    """What a line of `replay --format jsonl` says, as far as it matters here."""

    position: int


def stop(rounds: int) -> Outcome:
    """Send SIGTERM under load, wait for the end, and start again."""
    with trial(workers=2) as on:
        follower = Follower(on)
        took = [stop_once(on) for _ in range(rounds)]
        on.load.acknowledge(BETWEEN)
        on.load.end()
        require_all_answered(on)
        require_all_followed(on, follower)
        on.note("stops", rounds)
        on.note("exit, at most", f"{max(took):.1f} s")
    return on.outcome


def stop_once(on: Trial) -> float:
    """Stop the service amid clients of each kind, and start it; return how long it took to end."""
    on.load.acknowledge(BETWEEN)
    dice = random.Random(0)  # noqa: S311 — no secret
    asked = [on.load.shared.requests.new("create", "alfa", dice) for _ in range(2)]
    for each in asked:
        each.key = None
    on.load.ledger.asked.extend(asked)
    late, never = (
        SlowSender(on.stage, a, wait=w) for a, w in zip(asked, (LATE, FOR_EVER), strict=False)
    )
    reader, deaf = SlowReader(on.stage, wait=LATE), SlowReader(on.stage, wait=FOR_EVER)
    idler = Idler(on.stage)
    clients = (late, never, reader, deaf, idler)
    if until(lambda: all_accepted(on, clients), ACCEPTED_WITHIN) < 0:
        on.complain(CUT, "some were never accepted")
    time.sleep(READ_WITHIN)
    for client in clients:
        client.start()
    took = terminate(on)
    for client in (late, reader, idler):
        client.join(FOR_EVER)
    if late.status != 201 or not late.is_whole:
        on.complain(CUT, f"a body that came late was answered {late.status}")
    else:
        asked[0].settle(201, 1, late.answer)
        on.load.ledger.answered.update(asked[0].request_ids)
    if reader.status != 200 or not reader.is_whole:
        on.complain(CUT, f"{len(reader.answer)} bytes of an answer that was read late")
    on.stage.service.start()
    return took


def all_accepted(on: Trial, clients: Sequence[SlowClient]) -> bool:
    """Tell whether a worker has each of *clients*: one that only the kernel has may be reset."""
    known = {
        connection.raddr.port
        for worker in on.stage.service.workers()
        for connection in worker.net_connections("tcp")
        if connection.raddr
    }
    return {client.port for client in clients} <= known


def terminate(on: Trial) -> float:
    """Send SIGTERM; return after how long it ended, by itself and with success."""
    service, workers = on.stage.service, on.stage.service.workers()
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    began = time.monotonic()
    service.terminate()
    try:
        status = service.wait(EXIT_WITHIN * busy)
    except subprocess.TimeoutExpired:
        on.complain("exit within 10 s", f"it goes on, on a machine {busy:.1f} times as busy")
        service.kill()
        return EXIT_WITHIN * busy
    took = time.monotonic() - began
    if status:
        on.complain("exit within 10 s", f"with status {status}")
    if left := psutil.wait_procs(workers, timeout=5)[1]:
        on.complain("exit within 10 s", f"{len(left)} workers are left")
    return took


def require_all_answered(on: Trial) -> None:
    """Look into the access log: whoever stands there as served must have heard the answer."""
    lines = on.stage.service.log_file.read_bytes().splitlines()
    accepted: set[str] = set()
    for line in lines:
        with suppress(msgspec.DecodeError):
            entry = msgspec.json.decode(line, type=AccessLine)
            if entry.event == "request" and entry.request_id.startswith(("r", "g")):
                accepted.add(entry.request_id)
    ours = {name for name in accepted if name[1:2].isdigit()}
    if cut := ours - on.load.ledger.answered:
        on.complain(CUT, f"{len(cut)} of {len(ours)} were served unheard, as {min(cut)}")
    on.note("requests in the access log", f"{len(ours):,}")


class Follower:
    """`integrations replay --follow` beside the service, writing into a file."""

    def __init__(self, on: Trial) -> None:
        self.file = on.stage.folder / "followed.jsonl"
        self.process = on.stage.service.spawn(
            "replay", "--follow", "--format", "jsonl", out=self.file
        )

    def positions(self) -> list[int]:
        """Return what it has written so far."""
        whole = self.file.read_bytes().rpartition(b"\n")[0].splitlines()
        return [msgspec.json.decode(line, type=ReplayLine).position for line in whole]

    def end(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(CAUGHT_UP)


def require_all_followed(on: Trial, follower: Follower) -> None:
    """Complain unless the follower wrote each position, once and in order."""
    head = len(on.load.ledger.of("acknowledged"))
    until(lambda: len(follower.positions()) >= head, CAUGHT_UP)
    alive = follower.process.poll() is None
    follower.end()
    positions = follower.positions()
    if not alive or positions[:1] != [1] or any(b - a != 1 for a, b in pairwise(positions)):
        on.complain("replay --follow goes on", f"{len(positions)} positions, alive: {alive}")


FAULTS = [
    Fault(
        "service-stop",
        "SIGTERM under load, with slow bodies, slow readers, idle connections, replay --follow",
        stop,
        long=6,
    ),
]
