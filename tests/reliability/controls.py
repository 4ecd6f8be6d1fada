"""Negative controls: what is broken on purpose must be caught, or the checker proves nothing."""

from pathlib import Path

from tests.reliability.fault import Fault
from tests.reliability.trial import Outcome, trial

FOLDER = Path(__file__).parent
UNLOCKED = """
CREATE OR REPLACE FUNCTION integrations.lock_log() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
END
$$;
"""
MEANWHILE = 150  # acknowledged writes while something is broken
# Commits are in shared memory only until the WAL writer comes round, which it does not here.
FORGETFUL = {"synchronous_commit": "off", "wal_writer_delay": "10s"}


def lost_commits(rounds: int) -> Outcome:
    """Acknowledge what is not on disk, and kill the server."""
    with trial(settings=FORGETFUL) as on:
        for _ in range(rounds):
            on.load.acknowledge(MEANWHILE)
            on.stage.server.kill_all()
            on.stage.server.start()
    return on.outcome


def unlocked(_: int) -> Outcome:
    """Append without the lock: two workers take the same position."""
    with trial(workers=2) as on:
        on.execute(UNLOCKED)
        on.load.acknowledge(MEANWHILE)
    return on.outcome


def unlocked_sequence(_: int) -> Outcome:
    """Append without the lock, at positions from a sequence: a tail sees them out of order."""
    with trial(workers=2) as on:
        on.execute((FOLDER / "broken_append.sql").read_text())
        on.load.acknowledge(MEANWHILE)
    return on.outcome


def dropped_event(_: int) -> Outcome:
    """Fold without each third event of a stream."""
    with trial() as on:
        on.execute((FOLDER / "broken_projection.sql").read_text())
        on.load.acknowledge(MEANWHILE)
    return on.outcome


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
        unlocked,
        long=1,
        in_ci=False,
        breaks="nothing fails but with 503",
    ),
    Fault(
        "control-sequence",
        "an append without the lock, at positions of a sequence: must be caught skipping",
        unlocked_sequence,
        long=1,
        breaks="the tail saw each position once and in order",
    ),
    Fault(
        "control-projection",
        "a projection that drops an event: must be caught differing",
        dropped_event,
        long=1,
        breaks="views equal the fold",
    ),
]
