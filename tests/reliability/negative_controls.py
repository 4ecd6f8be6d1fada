"""Negative controls: the checker must catch what is broken on purpose, or it proves nothing."""

from pathlib import Path

from tests.reliability.experiment import Outcome, run_experiment
from tests.reliability.fault import Fault

FOLDER = Path(__file__).parent
NO_LOCK = """
CREATE OR REPLACE FUNCTION integrations.lock_log() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
END
$$;
"""
WRITES = 150  # acknowledged writes while something is broken
# Commits are in shared memory only until the WAL writer comes round, which it does not here.
ASYNC_COMMIT = {"synchronous_commit": "off", "wal_writer_delay": "10s"}


def lost_commits(rounds: int) -> Outcome:
    """Acknowledge what is not on disk, and kill the server."""
    with run_experiment(settings=ASYNC_COMMIT) as experiment:
        experiment.execute("CHECKPOINT")  # the schema is not what it loses
        for _ in range(rounds):
            experiment.load.acknowledge(WRITES)
            experiment.server.kill_all()
            experiment.server.start()
    return experiment.outcome


def append_without_lock(_: int) -> Outcome:
    """Append without the lock: two workers take the same position."""
    with run_experiment(workers=2) as experiment:
        experiment.execute(NO_LOCK)
        experiment.load.acknowledge(WRITES)
    return experiment.outcome


def append_by_sequence(_: int) -> Outcome:
    """Append without the lock, at positions from a sequence: a tail sees them out of order."""
    with run_experiment(workers=2) as experiment:
        experiment.execute((FOLDER / "broken_append.sql").read_text())
        experiment.load.acknowledge(WRITES)
    return experiment.outcome


def drop_event(_: int) -> Outcome:
    """Fold without each third event of a stream."""
    with run_experiment() as experiment:
        experiment.execute((FOLDER / "broken_projection.sql").read_text())
        experiment.load.acknowledge(WRITES)
    return experiment.outcome


FAULTS = [
    Fault(
        "control-lost-commits",
        "synchronous_commit=off and kill -9 of all PostgreSQL processes: must be caught losing",
        lost_commits,
        long=1,
        breaks="every acknowledged write is in the log once",
    ),
    Fault(
        "control-no-lock",
        "an append without the lock: must be caught failing, as positions are unique",
        append_without_lock,
        long=1,
        in_ci=False,
        breaks="nothing fails but with 503",
    ),
    Fault(
        "control-sequence",
        "an append without the lock, at positions of a sequence: must be caught skipping",
        append_by_sequence,
        long=1,
        breaks="the tail saw each position once and in order",
    ),
    Fault(
        "control-projection",
        "a projection that drops an event: must be caught differing",
        drop_event,
        long=1,
        breaks="views equal the fold",
    ),
]
