"""A trial: a stage under load with a tail on its log; in the end, the checker's word."""

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import psycopg
from msgspec import Struct, field

from tests.reliability.canaries import new_mark
from tests.reliability.checker import Broken, check
from tests.reliability.ledger import Ledger
from tests.reliability.load import CLIENTS, Load, load
from tests.reliability.resources import resources_of
from tests.reliability.stage import Stage, Way, stage
from tests.reliability.tailing import Tail, tail

REQUESTS = """
SELECT convert_from(envelope, 'UTF8')::jsonb #>> '{origin,requestId}' FROM integrations.events
"""
WARM = 60  # acknowledged writes, before what the service holds is measured


class Outcome(Struct):
    """What was done, what was seen, and what broke."""

    broken: Sequence[Broken] = ()
    figures: dict[str, str] = field(default_factory=dict[str, str])

    def told(self) -> str:
        """Return the figures in a line."""
        return ", ".join(f"{name} {value}" for name, value in self.figures.items())


class Trial(Struct, frozen=True):
    """What a fault works with; `outcome` is filled when the block ends."""

    stage: Stage
    load: Load
    tail: Tail
    outcome: Outcome

    def execute(self, statements: str) -> None:
        """Run *statements*, ours, in the database as its owner."""
        with psycopg.connect(self.stage.dsn, autocommit=True) as connection:
            connection.execute(statements.encode())

    def complain(self, invariant: str, how: str) -> None:
        """Tell that *invariant*, one of this fault alone or not, was broken."""
        self.load.ledger.complain(invariant, how)

    def note(self, name: str, value: object) -> None:
        """Keep a figure that this fault alone has."""
        self.outcome.figures[name] = str(value)


@contextmanager
def trial(
    *,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    way: Way | None = None,
    clients: int = CLIENTS,
) -> Generator[Trial]:
    """Yield a stage of our own under load; at the end everything is checked."""
    opened = stage(workers=workers, settings=settings, environment=environment, way=way)
    with trial_on(opened, clients) as on:
        yield on


@contextmanager
def trial_on(opened: AbstractContextManager[Stage], clients: int = CLIENTS) -> Generator[Trial]:
    """Yield a trial on any stage, such as one over a cluster."""
    mark, outcome = new_mark(), Outcome()
    with opened as on, tail(on.dsn) as following:
        with load(on, mark, clients) as running:
            running.acknowledge(WARM)
            before, began = resources_of(on), time.monotonic()
            yield Trial(on, running, following, outcome)
            took = time.monotonic() - began
        outcome.figures |= figures_of(running.ledger, took)
        outcome.broken = check(on, running.ledger, following, mark, before)
        outcome.figures["committed without an answer"] = unanswered(on, running.ledger)


def figures_of(ledger: Ledger, took: float) -> dict[str, str]:
    """Return what was asked and answered, for people."""
    statuses = " + ".join(f"{n:,} {status}" for status, n in sorted(ledger.statuses.items()))
    return {
        "seconds": f"{took:.0f}",
        "writes acknowledged": f"{len(ledger.of('acknowledged')):,}",
        "refused": f"{len(ledger.of('refused')):,}",
        "unknown without a key": f"{len(ledger.of('unknown')):,}",
        "answers": statuses,
        "slowest answer": f"{ledger.longest_answer:.1f} s",
        "longest time without a write": f"{ledger.longest_gap:.1f} s",
    }


def unanswered(on: Stage, ledger: Ledger) -> str:
    """Return how many events are in the log whose own request got no answer."""
    with psycopg.connect(on.dsn) as connection:
        ids = {request_id for (request_id,) in connection.execute(REQUESTS)}
    return f"{len(ids - ledger.answered):,}"
