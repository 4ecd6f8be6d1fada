"""Fault 5: sessions that hold what the service needs, and an operator's work under load."""

import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from threading import Event, Thread

import httpx2
import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.reliability.fault import Fault
from tests.reliability.load import CLIENTS, NO_TLS
from tests.reliability.service import until
from tests.reliability.trial import Outcome, Trial, trial

BETWEEN = 15  # acknowledged writes
HELD = 6.0  # seconds a round that the append lock is held: 60 s in ten
OPEN = 10.0  # seconds a round that a transaction stays open: 600 s in sixty
HELD_AT_MOST = 60.0  # seconds more, until all that is promised was seen
WRITE_BOUND = 10.0  # seconds: a place in a batch, and a lock time-out, 2 each; a busy machine
READ_BOUND = 10.0  # seconds that a read may take, on a busy machine
BACK = 15.0  # seconds after which writes must go on: at once, on a busy machine
GAP = 5.0  # seconds that may pass without a write beside what need not hinder any


def held_lock(rounds: int) -> Outcome:
    """Hold the append lock: writes fail fast, reads go on."""
    with trial() as on, reading(on) as reads, psycopg.connect(on.stage.dsn) as holder:
        holder.execute("SELECT integrations.lock_log()")
        require_going_on(on, reads, HELD * rounds)
        holder.rollback()
        on.load.acknowledge(1, BACK)
        on.load.acknowledge(BETWEEN)
        on.note("reads meanwhile", len(reads))
        if on.load.ledger.longest_answer > WRITE_BOUND:
            on.complain("writes fail fast", f"{on.load.ledger.longest_answer:.1f} s")
    return on.outcome


def require_going_on(on: Trial, reads: Sequence[float], seconds: float) -> None:
    """Wait for *seconds*, and until as many writes failed, and reads did not, as there are clients.

    Where they wait for the lock neither happens, however long one looks on.
    """
    statuses = on.load.ledger.statuses
    failed, read = statuses["503"] + CLIENTS, len(reads) + CLIENTS
    time.sleep(seconds)
    if until(lambda: statuses["503"] >= failed, HELD_AT_MOST) < 0:
        on.complain("writes fail fast", "they wait for the lock")
    if until(lambda: len(reads) >= read, HELD_AT_MOST) < 0:
        on.complain("reads go on", "they wait for the lock")


def open_transaction(rounds: int) -> Outcome:
    """Leave a transaction open, whose snapshot keeps every dead row."""
    with trial() as on, psycopg.connect(on.stage.dsn) as holder:
        with reading(on) as reads:
            holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            holder.execute("SELECT count(*) FROM integrations.integration_view")
            rates = [rate(on, OPEN) for _ in range(rounds)]
            holder.rollback()
        on.note("reads meanwhile", len(reads))
        on.note("writes a second, first and last", f"{rates[0]:.0f} and {rates[-1]:.0f}")
        require_writes(on, "beside an open transaction")
    return on.outcome


def rate(on: Trial, seconds: float) -> float:
    """Return how many writes a second are acknowledged in so many seconds."""
    before = on.load.ledger.acknowledged
    time.sleep(seconds)
    return (on.load.ledger.acknowledged - before) / seconds


def maintenance(rounds: int) -> Outcome:
    """Vacuum, build an index, dump and take a base backup, all under load."""
    with trial() as on, reading(on) as reads:
        for _ in range(rounds):
            for name, work in WORK.items():
                began = time.monotonic()
                work(on)
                on.note(name, f"{time.monotonic() - began:.1f} s")
                on.load.acknowledge(BETWEEN)
        on.note("reads meanwhile", len(reads))
        require_writes(on, "beside maintenance")
    return on.outcome


def require_writes(on: Trial, beside: str) -> None:
    """Complain where there was a gap in which no write was acknowledged."""
    if on.load.ledger.longest_gap > GAP:
        on.complain("writes go on", f"{on.load.ledger.longest_gap:.1f} s without one {beside}")


def vacuum(on: Trial) -> None:
    """Vacuum every table."""
    on.execute("VACUUM (FREEZE, ANALYZE)")


def index(on: Trial) -> None:
    """Build an index on the log, and drop it."""
    on.execute("CREATE INDEX CONCURRENTLY faults ON integrations.events (type)")
    on.execute("DROP INDEX CONCURRENTLY integrations.faults")


def dump(on: Trial) -> None:
    """Dump the database."""
    run_program(on, "pg_dump", ["--format=custom", "--no-sync", "--file=/dev/null"])


def base_backup(on: Trial) -> None:
    """Take a base backup with the WAL that it needs."""
    with TemporaryDirectory(prefix="faults-backup-") as folder:
        run_program(on, "pg_basebackup", ["-D", f"{folder}/base", "--checkpoint=fast"])


WORK: dict[str, Callable[[Trial], None]] = {
    "VACUUM": vacuum,
    "CREATE INDEX CONCURRENTLY": index,
    "pg_dump": dump,
    "pg_basebackup": base_backup,
}


def run_program(on: Trial, program: str, words: Sequence[str]) -> None:
    """Run one of PostgreSQL's programs on the database."""
    direct = conninfo_to_dict(on.stage.dsn)
    where = ["-h", str(direct["host"]), "-p", str(direct["port"]), "-U", str(direct["user"])]
    name = ["-d", str(direct["dbname"])] if program == "pg_dump" else []
    done = subprocess.run(
        [str(on.stage.server.programs / program), *where, *name, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        on.complain("maintenance works", f"{program}: {done.stderr.strip()[-200:]}")


@contextmanager
def reading(on: Trial) -> Generator[list[float]]:
    """Read all along; each read must be answered, and soon. Yields how long each took."""
    took: list[float] = []
    leaving = Event()
    thread = Thread(target=read_until, args=(on, leaving, took), daemon=True)
    thread.start()
    try:
        yield took
    finally:
        leaving.set()
        thread.join(READ_BOUND * 10)


def read_until(on: Trial, leaving: Event, took: list[float]) -> None:
    """Read a list again and again until told to leave."""
    headers = {"Authorization": f"Bearer {on.stage.service.token('alfa')}"}
    with httpx2.Client(
        base_url=on.stage.service.address, headers=headers, timeout=30, verify=NO_TLS,
        trust_env=False,
    ) as client:  # fmt: skip
        while not leaving.wait(0.05):
            began = time.monotonic()
            try:
                status = client.get("/en/api/integration?limit=5").status_code
            except httpx2.TransportError as error:
                on.complain("reads go on", type(error).__name__)
                continue
            took.append(time.monotonic() - began)
            if status != 200:
                on.complain("reads go on", f"a read was answered {status}")
            if took[-1] > READ_BOUND:
                on.complain("reads go on", f"a read took {took[-1]:.1f} s")


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
