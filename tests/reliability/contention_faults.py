"""Fault 5: sessions that hold locks or snapshots, and maintenance under load."""

import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from threading import Event, Thread

import httpx2
import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.reliability.client import NO_TLS
from tests.reliability.experiment import Experiment, Outcome, run_experiment
from tests.reliability.fault import Fault
from tests.reliability.load import CLIENTS
from tests.reliability.service import until

WRITES_BETWEEN = 15  # acknowledged writes
HELD = 6.0  # seconds a round that the append lock is held: 60 s in ten
OPEN = 10.0  # seconds a round that a transaction stays open: 600 s in sixty
HELD_TIMEOUT = 60.0  # seconds more, until all that is promised was seen
WRITE_BOUND = 10.0  # seconds: a place in a batch, and a lock time-out, 2 each; a busy machine
READ_BOUND = 10.0  # seconds that a read may take, on a busy machine
RECOVERY_TIMEOUT = 15.0  # seconds after which writes must continue: at once, on a busy machine
GAP = 5.0  # seconds that may pass without a write during work that must not block any


def held_lock(rounds: int) -> Outcome:
    """Hold the append lock: writes fail fast, reads continue."""
    with (
        run_experiment() as experiment,
        read_continuously(experiment) as reads,
        psycopg.connect(experiment.dsn) as holder,
    ):
        holder.execute("SELECT integrations.lock_log()")
        require_progress(experiment, reads, HELD * rounds)
        holder.rollback()
        experiment.load.acknowledge(1, RECOVERY_TIMEOUT)
        experiment.load.acknowledge(WRITES_BETWEEN)
        experiment.record("reads meanwhile", len(reads))
        if experiment.load.ledger.slowest_response > WRITE_BOUND:
            experiment.report(
                "writes fail fast", f"{experiment.load.ledger.slowest_response:.1f} s"
            )
    return experiment.outcome


def require_progress(experiment: Experiment, reads: Sequence[float], seconds: float) -> None:
    """Wait for *seconds*, and until as many writes failed, and reads did not, as there are clients.

    If they wait for the lock neither happens, however long the test waits.
    """
    statuses = experiment.load.ledger.statuses
    failed, read = statuses["503"] + CLIENTS, len(reads) + CLIENTS
    time.sleep(seconds)
    if until(lambda: statuses["503"] >= failed, HELD_TIMEOUT) < 0:
        experiment.report("writes fail fast", "they wait for the lock")
    if until(lambda: len(reads) >= read, HELD_TIMEOUT) < 0:
        experiment.report("reads continue", "they wait for the lock")


def open_transaction(rounds: int) -> Outcome:
    """Leave a transaction open, whose snapshot keeps every dead row."""
    with run_experiment() as experiment, psycopg.connect(experiment.dsn) as holder:
        with read_continuously(experiment) as reads:
            holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            holder.execute("SELECT count(*) FROM integrations.integration_view")
            rates = [rate(experiment, OPEN) for _ in range(rounds)]
            holder.rollback()
        experiment.record("reads meanwhile", len(reads))
        experiment.record("writes a second, first and last", f"{rates[0]:.0f} and {rates[-1]:.0f}")
        require_writes(experiment, "during an open transaction")
    return experiment.outcome


def rate(experiment: Experiment, seconds: float) -> float:
    """Return how many writes a second are acknowledged in so many seconds."""
    before = experiment.load.ledger.acknowledged
    time.sleep(seconds)
    return (experiment.load.ledger.acknowledged - before) / seconds


def maintenance(rounds: int) -> Outcome:
    """Vacuum, build an index, dump and take a base backup, all under load."""
    with run_experiment() as experiment, read_continuously(experiment) as reads:
        for _ in range(rounds):
            for name, work in TASKS.items():
                began = time.monotonic()
                work(experiment)
                experiment.record(name, f"{time.monotonic() - began:.1f} s")
                experiment.load.acknowledge(WRITES_BETWEEN)
        experiment.record("reads meanwhile", len(reads))
        require_writes(experiment, "during maintenance")
    return experiment.outcome


def require_writes(experiment: Experiment, situation: str) -> None:
    """Report a gap in which no write was acknowledged."""
    if experiment.load.ledger.longest_gap > GAP:
        experiment.report(
            "writes continue", f"{experiment.load.ledger.longest_gap:.1f} s without one {situation}"
        )


def vacuum(experiment: Experiment) -> None:
    """Vacuum every table."""
    experiment.execute("VACUUM (FREEZE, ANALYZE)")


def build_index(experiment: Experiment) -> None:
    """Build an index on the log, and drop it."""
    experiment.execute("CREATE INDEX CONCURRENTLY faults ON integrations.events (type)")
    experiment.execute("DROP INDEX CONCURRENTLY integrations.faults")


def dump(experiment: Experiment) -> None:
    """Dump the database."""
    run_program(experiment, "pg_dump", ["--format=custom", "--no-sync", "--file=/dev/null"])


def base_backup(experiment: Experiment) -> None:
    """Take a base backup with the WAL that it needs."""
    with TemporaryDirectory(prefix="faults-backup-") as folder:
        run_program(experiment, "pg_basebackup", ["-D", f"{folder}/base", "--checkpoint=fast"])


TASKS: dict[str, Callable[[Experiment], None]] = {
    "VACUUM": vacuum,
    "CREATE INDEX CONCURRENTLY": build_index,
    "pg_dump": dump,
    "pg_basebackup": base_backup,
}


def run_program(experiment: Experiment, program: str, words: Sequence[str]) -> None:
    """Run one of PostgreSQL's programs on the database."""
    direct = conninfo_to_dict(experiment.dsn)
    where = ["-h", str(direct["host"]), "-p", str(direct["port"]), "-U", str(direct["user"])]
    name = ["-d", str(direct["dbname"])] if program == "pg_dump" else []
    done = subprocess.run(
        [str(experiment.server.programs / program), *where, *name, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        experiment.report("maintenance works", f"{program}: {done.stderr.strip()[-200:]}")


@contextmanager
def read_continuously(experiment: Experiment) -> Generator[list[float]]:
    """Read continuously; each read must get a response soon. Yields how long each took."""
    took: list[float] = []
    stopping = Event()
    thread = Thread(target=read_until, args=(experiment, stopping, took), daemon=True)
    thread.start()
    try:
        yield took
    finally:
        stopping.set()
        thread.join(READ_BOUND * 10)


def read_until(experiment: Experiment, stopping: Event, took: list[float]) -> None:
    """Read a list repeatedly until it is stopped."""
    headers = {"Authorization": f"Bearer {experiment.service.token('alfa')}"}
    with httpx2.Client(
        base_url=experiment.service.address, headers=headers, timeout=30, verify=NO_TLS,
        trust_env=False,
    ) as client:  # fmt: skip
        while not stopping.wait(0.05):
            began = time.monotonic()
            try:
                status = client.get("/en/api/integration?limit=5").status_code
            except httpx2.TransportError as error:
                experiment.report("reads continue", type(error).__name__)
                continue
            took.append(time.monotonic() - began)
            if status != 200:
                experiment.report("reads continue", f"a read was answered {status}")
            if took[-1] > READ_BOUND:
                experiment.report("reads continue", f"a read took {took[-1]:.1f} s")


FAULTS = [
    Fault("held-lock", "a session holds the append lock for 60 s", held_lock),
    Fault(
        "open-transaction",
        "a transaction is left open for 10 minutes",
        open_transaction,
        long=60,
        in_ci=False,
    ),
    Fault(
        "maintenance",
        "VACUUM, CREATE INDEX CONCURRENTLY, pg_dump and pg_basebackup",
        maintenance,
        long=5,
        in_ci=False,
    ),
]
