"""Fault 6: more clients than connections, a server without free connections, and PgBouncer."""

import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress

import psycopg

from tests.reliability.contention_faults import read_continuously
from tests.reliability.experiment import Experiment, Outcome, run_experiment
from tests.reliability.fault import Fault
from tests.reliability.network_faults import BOUND
from tests.reliability.pgbouncer import NEEDS, pgbouncer
from tests.reliability.service import free_port

WRITES_BETWEEN = 300  # acknowledged writes
CLIENTS = 200
POOL = {"INTEGRATIONS_POOL_SIZE": "4"}
FULL = 5.0  # seconds a round


def many_clients(rounds: int) -> Outcome:
    """Serve 200 clients by pools of 4."""
    with (
        run_experiment(service_env=POOL, clients=CLIENTS) as experiment,
        read_continuously(experiment) as reads,
    ):
        experiment.load.acknowledge(WRITES_BETWEEN * rounds)
        experiment.record("reads meanwhile", len(reads))
        require_timely_responses(experiment)
    return experiment.outcome


def no_connections(rounds: int) -> Outcome:
    """Take every connection that the server has left, and hold them."""
    with (
        run_experiment(settings={"max_connections": "25"}) as experiment,
        read_continuously(experiment) as reads,
    ):
        for _ in range(rounds):
            with take_all_connections(experiment) as count:
                experiment.record("connections taken", count)
                time.sleep(FULL)
                experiment.load.acknowledge(1)
        experiment.load.acknowledge(WRITES_BETWEEN)
        experiment.record("reads meanwhile", len(reads))
        require_timely_responses(experiment)
    return experiment.outcome


@contextmanager
def take_all_connections(experiment: Experiment) -> Generator[int]:
    """Hold every connection that the server still gives while the block runs."""
    with ExitStack() as held:
        count = 0
        with suppress(psycopg.OperationalError):
            while True:
                held.enter_context(psycopg.connect(experiment.dsn))
                count += 1
        yield count


def behind_pgbouncer(rounds: int) -> Outcome:
    """Put PgBouncer in transaction mode in front of the server, and restart the server."""
    port = free_port()
    route = {"INTEGRATIONS_POOLER_URL": f"host=127.0.0.1 port={port} user=integrations"}

    @contextmanager
    def through_pgbouncer(dsn: str) -> Generator[str]:
        with ExitStack() as stack:
            stack.enter_context(pgbouncer(dsn, port, size=4))
            yield dsn

    with run_experiment(service_env=route, route=through_pgbouncer, clients=CLIENTS) as experiment:
        for _ in range(rounds):
            with read_continuously(experiment) as reads:
                experiment.load.acknowledge(WRITES_BETWEEN)
            experiment.record("reads meanwhile", len(reads))
            experiment.server.kill_all()
            experiment.server.start()
            experiment.load.acknowledge(
                CLIENTS
            )  # by then each pool has noticed its loss, with a 503
        experiment.load.acknowledge(WRITES_BETWEEN)
        require_timely_responses(experiment)
    return experiment.outcome


def require_timely_responses(experiment: Experiment) -> None:
    """Report a response that took longer than all time-outs together."""
    if experiment.load.ledger.slowest_response > BOUND:
        experiment.report(
            "answers come in time", f"{experiment.load.ledger.slowest_response:.1f} s"
        )


FAULTS = [
    Fault("crowd", "200 clients, and pools of 4", many_clients, in_ci=False),
    Fault("no-connections", "max_connections is reached", no_connections, in_ci=False),
    Fault(
        "pgbouncer",
        "PgBouncer between, 200 clients, the server killed",
        behind_pgbouncer,
        apart=NEEDS,
    ),
]
