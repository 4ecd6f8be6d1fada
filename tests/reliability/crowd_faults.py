"""Fault 6: more clients than connections, a server without any left, and PgBouncer between."""

import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress

import psycopg

from tests.reliability.contention_faults import reading
from tests.reliability.fault import Fault
from tests.reliability.network_faults import BOUND
from tests.reliability.pgbouncer import NEEDS, pgbouncer
from tests.reliability.service import free_port
from tests.reliability.trial import Outcome, Trial, trial

BETWEEN = 300  # acknowledged writes
CLIENTS = 200
POOL = {"INTEGRATIONS_POOL_SIZE": "4"}
FULL = 5.0  # seconds a round


def crowd(rounds: int) -> Outcome:
    """Serve 200 clients by pools of 4."""
    with trial(environment=POOL, clients=CLIENTS) as on, reading(on) as reads:
        on.load.acknowledge(BETWEEN * rounds)
        on.note("reads meanwhile", len(reads))
        require_bound(on)
    return on.outcome


def no_connections(rounds: int) -> Outcome:
    """Take every connection that the server has left, and hold them."""
    with trial(settings={"max_connections": "25"}) as on, reading(on) as reads:
        for _ in range(rounds):
            with all_taken(on) as count:
                on.note("connections taken", count)
                time.sleep(FULL)
                on.load.acknowledge(1)
        on.load.acknowledge(BETWEEN)
        on.note("reads meanwhile", len(reads))
        require_bound(on)
    return on.outcome


@contextmanager
def all_taken(on: Trial) -> Generator[int]:
    """Hold every connection that the server still gives while the block runs."""
    with ExitStack() as held:
        count = 0
        with suppress(psycopg.OperationalError):
            while True:
                held.enter_context(psycopg.connect(on.stage.dsn))
                count += 1
        yield count


def pooled(rounds: int) -> Outcome:
    """Put PgBouncer in transaction mode between, restart the server behind it, and go on."""
    port = free_port()
    way = {"INTEGRATIONS_POOLER_URL": f"host=127.0.0.1 port={port} user=integrations"}

    @contextmanager
    def beside(dsn: str) -> Generator[str]:
        with ExitStack() as stack:
            stack.enter_context(pgbouncer(dsn, port, size=4))
            yield dsn

    with trial(environment=way, way=beside, clients=CLIENTS) as on:
        for _ in range(rounds):
            with reading(on) as reads:
                on.load.acknowledge(BETWEEN)
            on.note("reads meanwhile", len(reads))
            on.stage.server.kill_all()
            on.stage.server.start()
            on.load.acknowledge(CLIENTS)  # by then each pool has met its loss, with a 503
        on.load.acknowledge(BETWEEN)
        require_bound(on)
    return on.outcome


def require_bound(on: Trial) -> None:
    """Complain where an answer took longer than any time-out explains."""
    if on.load.ledger.longest_answer > BOUND:
        on.complain("answers come in time", f"{on.load.ledger.longest_answer:.1f} s")


FAULTS = [
    Fault("crowd", "200 clients, and pools of 4", crowd, in_ci=False),
    Fault("no-connections", "max_connections is reached", no_connections, in_ci=False),
    Fault("pgbouncer", "PgBouncer between, 200 clients, the server killed", pooled, apart=NEEDS),
]
