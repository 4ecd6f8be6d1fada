"""Fault 2: PostgreSQL is killed, stopped and started again under load."""

from scripts.reliability.fault import Fault
from scripts.reliability.trial import Outcome, trial

BETWEEN = 15  # acknowledged writes


def kill_all(rounds: int) -> Outcome:
    """Kill every process of the server under load, and start it again."""
    with trial(workers=2) as on:
        for _ in range(rounds):
            on.load.acknowledge(BETWEEN)
            on.stage.server.kill_all()
            on.stage.server.start()
        on.load.acknowledge(BETWEEN)
        on.note("rounds", rounds)
    return on.outcome


FAULTS = [
    Fault(
        "postgres-kill",
        "kill -9 of all PostgreSQL processes under load, and a start",
        kill_all,
        short=2,
        long=50,
    ),
]
