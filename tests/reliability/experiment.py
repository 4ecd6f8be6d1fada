"""An experiment: an environment under load with a tail on its log; finally it is checked."""

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import psycopg
from msgspec import Struct, field

from tests.reliability.checker import Violation, check
from tests.reliability.environment import Environment, Route, open_environment
from tests.reliability.load import CLIENTS, Load, load
from tests.reliability.log_tail import LogTail, follow_log
from tests.reliability.postgres import Postgres
from tests.reliability.request_ledger import RequestLedger
from tests.reliability.resources import resources_of
from tests.reliability.secret_markers import new_marker
from tests.reliability.service import Service

REQUESTS = """
SELECT convert_from(envelope, 'UTF8')::jsonb #>> '{origin,requestId}' FROM integrations.events
"""
WARM_UP_WRITES = 60  # acknowledged writes, before what the service holds is measured


class Outcome(Struct):
    """What was done, what was seen, and what broke."""

    violations: Sequence[Violation] = ()
    figures: dict[str, str] = field(default_factory=dict[str, str])

    def summary(self) -> str:
        """Return the figures in a line."""
        return ", ".join(f"{name} {value}" for name, value in self.figures.items())


class Experiment(Struct, frozen=True):
    """What a fault works with; `outcome` is filled when the block ends."""

    environment: Environment
    load: Load
    tail: LogTail
    outcome: Outcome

    @property
    def service(self) -> Service:
        """The service."""
        return self.environment.service

    @property
    def server(self) -> Postgres:
        """The PostgreSQL server, if it is ours."""
        return self.environment.server

    @property
    def dsn(self) -> str:
        """The direct way to the database."""
        return self.environment.dsn

    def execute(self, statements: str) -> None:
        """Run *statements*, ours, in the database as its owner."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statements.encode())

    def report(self, invariant: str, how: str) -> None:
        """Record a violation of *invariant*, which may be one of this fault alone."""
        self.load.ledger.report(invariant, how)

    def record(self, name: str, value: object) -> None:
        """Record a figure of this fault alone."""
        self.outcome.figures[name] = str(value)


@contextmanager
def run_experiment(
    *,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
    service_env: Mapping[str, str] | None = None,
    route: Route | None = None,
    clients: int = CLIENTS,
) -> Generator[Experiment]:
    """Yield an environment under load; at the end everything is checked."""
    opened = open_environment(
        workers=workers, settings=settings, service_env=service_env, route=route
    )
    with run_experiment_on(opened, clients) as experiment:
        yield experiment


@contextmanager
def run_experiment_on(
    opened: AbstractContextManager[Environment], clients: int = CLIENTS
) -> Generator[Experiment]:
    """Yield an experiment in any environment, such as one over a cluster."""
    marker, outcome = new_marker(), Outcome()
    with opened as environment, follow_log(environment.dsn) as following:
        with load(environment, marker, clients) as running:
            running.acknowledge(WARM_UP_WRITES)
            before, began = resources_of(environment), time.monotonic()
            yield Experiment(environment, running, following, outcome)
            took = time.monotonic() - began
        outcome.figures |= figures_of(running.ledger, took)
        outcome.violations = check(environment, running.ledger, following, marker, before)
        outcome.figures["committed without a response"] = unanswered(environment, running.ledger)


def figures_of(ledger: RequestLedger, took: float) -> dict[str, str]:
    """Return the figures of requests and responses."""
    statuses = " + ".join(f"{n:,} {status}" for status, n in sorted(ledger.statuses.items()))
    return {
        "seconds": f"{took:.0f}",
        "writes acknowledged": f"{len(ledger.of('acknowledged')):,}",
        "refused": f"{len(ledger.of('refused')):,}",
        "unknown without a key": f"{len(ledger.of('unknown')):,}",
        "responses": statuses,
        "slowest response": f"{ledger.slowest_response:.1f} s",
        "longest time without a write": f"{ledger.longest_gap:.1f} s",
    }


def unanswered(environment: Environment, ledger: RequestLedger) -> str:
    """Return how many events are in the log whose request got no response."""
    with psycopg.connect(environment.dsn) as connection:
        ids = {request_id for (request_id,) in connection.execute(REQUESTS)}
    return f"{len(ids - ledger.answered):,}"
