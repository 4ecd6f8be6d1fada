"""Fault 2: PostgreSQL is killed, stopped and started again under load."""

import subprocess
import time
from contextlib import suppress

import httpx2

from app.database.pools import ACQUIRE_TIMEOUT
from tests.reliability.client import NO_TLS
from tests.reliability.experiment import Experiment, Outcome, run_experiment
from tests.reliability.fault import Fault
from tests.reliability.postgres import Mode

WRITES_BETWEEN = 15  # acknowledged writes
DOWNTIME = 1.5  # seconds that the server stays away
SMART_STOP_WAIT = 1.0  # seconds in which a smart stop waits for its clients
# Seconds that a request may wait for a server that is down; on a busy machine.
MAX_FIRST_WAIT = ACQUIRE_TIMEOUT + 5.0
MODES: tuple[Mode, ...] = ("immediate", "fast", "smart")


def kill_all(rounds: int) -> Outcome:
    """Kill every process of the server under load, and start it again."""
    with run_experiment(workers=2) as experiment:
        for _ in range(rounds):
            experiment.load.acknowledge(WRITES_BETWEEN)
            experiment.server.kill_all()
            experiment.server.start()
        experiment.load.acknowledge(WRITES_BETWEEN)
        experiment.record("kills", rounds)
    return experiment.outcome


def stop(rounds: int) -> Outcome:
    """Stop the server in each mode under load, check the service meanwhile, and start it."""
    with run_experiment(workers=2) as experiment:
        processes = {process.pid for process in experiment.service.processes()}
        back: list[float] = []
        for _ in range(rounds):
            for mode in MODES:
                experiment.load.acknowledge(WRITES_BETWEEN)
                stop_server(experiment, mode)
                check_while_down(experiment)
                experiment.server.start()
                began = time.monotonic()
                experiment.load.acknowledge(1)
                back.append(time.monotonic() - began)
        if processes != {process.pid for process in experiment.service.processes()}:
            experiment.report("ready again by itself", "the service is made of other processes")
        experiment.record("stops", rounds * len(MODES))
        experiment.record("first write after a start, at most", f"{max(back):.2f} s")
    return experiment.outcome


def stop_server(experiment: Experiment, mode: Mode) -> None:
    """Stop the server; a smart stop waits for the service's connections, which still work."""
    server = experiment.server
    if mode == "smart":
        with suppress(subprocess.TimeoutExpired):
            server.stop("smart", timeout=SMART_STOP_WAIT)
        if server.processes():
            experiment.load.acknowledge(1)
    server.stop("fast" if mode == "smart" else mode)


def check_while_down(experiment: Experiment) -> None:
    """Check the service without a database: alive, not ready, 503 for all else."""
    wanted = {"/health/live": 200, "/health/ready": 503, "/en/api/integration": 503}
    headers = {"Authorization": f"Bearer {experiment.service.token('alfa')}"}
    until = time.monotonic() + DOWNTIME
    with httpx2.Client(
        base_url=experiment.service.address, headers=headers, timeout=20, verify=NO_TLS,
        trust_env=False,
    ) as client:  # fmt: skip
        while time.monotonic() < until:
            for path, status in wanted.items():
                began = time.monotonic()
                response = client.get(path)
                took = time.monotonic() - began
                retry = response.headers.get("retry-after")
                if response.status_code != status or (retry is None) is (status == 503):
                    experiment.report(
                        "503 meanwhile", f"{path}: {response.status_code}, after {retry}"
                    )
                if took > MAX_FIRST_WAIT:
                    experiment.report("503 meanwhile", f"{path}: after {took:.1f} s")
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
