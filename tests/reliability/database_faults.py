"""Fault 2: PostgreSQL is killed, stopped and started again under load."""

import subprocess
import time
from contextlib import suppress

import httpx2

from app.database.pools import PATIENCE
from tests.reliability.fault import Fault
from tests.reliability.load import NO_TLS
from tests.reliability.postgres import Mode
from tests.reliability.trial import Outcome, Trial, trial

BETWEEN = 15  # acknowledged writes
AWAY = 1.5  # seconds that the server stays away
LINGERING = 1.0  # seconds in which a smart stop waits for its clients
# Seconds that a request may wait which found the server gone, and hoped; on a busy machine.
FIRST = PATIENCE + 5.0
MODES: tuple[Mode, ...] = ("immediate", "fast", "smart")


def kill_all(rounds: int) -> Outcome:
    """Kill every process of the server under load, and start it again."""
    with trial(workers=2) as on:
        for _ in range(rounds):
            on.load.acknowledge(BETWEEN)
            on.stage.server.kill_all()
            on.stage.server.start()
        on.load.acknowledge(BETWEEN)
        on.note("kills", rounds)
    return on.outcome


def stop(rounds: int) -> Outcome:
    """Stop the server in each mode under load, look at the service meanwhile, and start it."""
    with trial(workers=2) as on:
        processes = {process.pid for process in on.stage.service.processes()}
        back: list[float] = []
        for _ in range(rounds):
            for mode in MODES:
                on.load.acknowledge(BETWEEN)
                stop_in(on, mode)
                look_while_away(on)
                on.stage.server.start()
                began = time.monotonic()
                on.load.acknowledge(1)
                back.append(time.monotonic() - began)
        if processes != {process.pid for process in on.stage.service.processes()}:
            on.complain("ready again by itself", "the service is made of other processes")
        on.note("stops", rounds * len(MODES))
        on.note("first write after a start, at most", f"{max(back):.2f} s")
    return on.outcome


def stop_in(on: Trial, mode: Mode) -> None:
    """Stop the server; smart waits for the service's connections, which work on meanwhile."""
    server = on.stage.server
    if mode == "smart":
        with suppress(subprocess.TimeoutExpired):
            server.stop("smart", timeout=LINGERING)
        if server.processes():
            on.load.acknowledge(1)
    server.stop("fast" if mode == "smart" else mode)


def look_while_away(on: Trial) -> None:
    """Look at what the service answers without a database: alive, not ready, 503 to all else."""
    wanted = {"/health/live": 200, "/health/ready": 503, "/en/api/integration": 503}
    headers = {"Authorization": f"Bearer {on.stage.service.token('alfa')}"}
    until = time.monotonic() + AWAY
    with httpx2.Client(
        base_url=on.stage.service.address, headers=headers, timeout=20, verify=NO_TLS,
        trust_env=False,
    ) as client:  # fmt: skip
        while time.monotonic() < until:
            for path, status in wanted.items():
                began = time.monotonic()
                answer = client.get(path)
                took = time.monotonic() - began
                retry = answer.headers.get("retry-after")
                if answer.status_code != status or (retry is None) is (status == 503):
                    on.complain("503 meanwhile", f"{path}: {answer.status_code}, after {retry}")
                if took > FIRST:
                    on.complain("503 meanwhile", f"{path}: after {took:.1f} s")
            time.sleep(0.1)


FAULTS = [
    Fault(
        "postgres-kill",
        "kill -9 of all PostgreSQL processes under load, and a start",
        kill_all,
        long=50,
    ),
    Fault(
        "postgres-stop",
        "immediate, fast and smart stops under load: 503 meanwhile, and back without a restart",
        stop,
        long=8,
    ),
]
