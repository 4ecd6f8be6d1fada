"""Random lives of integrations, written as the service writes them."""

import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, get_args

import pytest
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from app.command_handler import CommandHandler, CommandRequest, PreparedCommand
from app.database.pools import Pool
from app.event_store.postgres import PostgresEventLog
from app.progress import ProgressCallback, no_progress
from app.views.rebuild.comparison import LogComparison, compare_with_log
from app.views.rebuild.rebuild import rebuild
from app.views.rebuild.versions import register_versions
from domain.channel_default import ChooseDefault, ClearDefault, default_stream
from domain.envelope import Actor, EventMetadata
from domain.errors import DomainError
from domain.integration import (
    ChangeIntegration,
    Channel,
    CreateIntegration,
    Credential,
    DeleteIntegration,
    RecordCredentialsCheck,
    ReplaceCredentials,
    ToggleIntegration,
)
from domain.message import Command as DomainCommand
from projections.projection import Projection
from projections.registry import PROJECTIONS

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
KEY = Credential(field="apiKey", version=1, kek="kek-1", commitment="c0ffee")
CREATE = CreateIntegration(
    name="Mail",
    type="SENDGRID",
    channel="EMAIL",
    sender_email="a@example.org",
    settings={"region": "EU"},
    credentials=(KEY,),
)
VIEWS = ("integration_view", "integration_counts", "channel_default_view")
WORKSPACES = ("a", "b-2", "Ünï", "", "o'b\\c")
Live = Callable[[int, int], Coroutine[Any, Any, None]]
Command = Callable[..., list[str]]


@pytest.fixture
def live(commands: Pool) -> Live:
    """Return what executes random commands: `await live(seed, amount)`."""
    clock = clock_of(Random(0))  # noqa: S311 — test data
    executor = CommandHandler(PostgresEventLog(commands), clock)

    known: list[tuple[str, str]] = []

    async def live(seed: int, amount: int) -> None:
        random = Random(seed)  # noqa: S311 — test data
        for number in range(amount):
            command, (workspace, stream) = chosen_by(random, known, f"int_{seed}_{number}")
            actor = Actor(sub=random.choice(["ann", "bob"]), name=None, email="ann@example.org")
            request = CommandRequest(
                workspace=workspace,
                stream=stream,
                metadata=EventMetadata(actor=actor),
                command=PreparedCommand(command),
            )
            try:
                await executor.handle(request)
            except DomainError:
                continue  # a deleted integration refuses what comes after

    return live


def clock_of(random: Random) -> Callable[[], datetime]:
    """Return a clock that sometimes goes back, as those of several machines do."""
    ticks = count()
    return lambda: NOON + timedelta(milliseconds=next(ticks) * 10 + random.choice([0, 0, 0, -55]))


def chosen_by(
    random: Random, known: list[tuple[str, str]], new: str
) -> tuple[DomainCommand, tuple[str, str]]:
    """Return a random command and the stream that it is for; a creation is remembered."""
    if not known or random.random() < 0.2:
        known.append((random.choice(WORKSPACES), new))
        return replace(CREATE, name=random.choice(["Mail", "ÄÖ 'x'\\\t"])), known[-1]
    if random.random() < 0.2:
        workspace, integration = random.choice(known)
        chosen = random.choice([*[ChooseDefault(integration_id=integration)] * 3, ClearDefault()])
        return chosen, (workspace, default_stream(random.choice(get_args(Channel))))
    commands: Sequence[DomainCommand] = (
        ChangeIntegration(name=f"Name {random.random()}", is_active=random.random() < 0.5),
        ChangeIntegration(sender_email=None, sender_name="Ü", vapid_public_key="B"),
        ChangeIntegration(settings={"onBehalfOf": "ÄÖ 'x'\\\t\"", "region": "GLOBAL"}),
        ChangeIntegration(settings=None),
        ToggleIntegration(is_active=random.random() < 0.5),
        ReplaceCredentials(credentials=(replace(KEY, version=2),)),
        RecordCredentialsCheck(outcome="ok", detail="The key works", latency_ms=7),
        DeleteIntegration(),
    )
    return random.choice(commands), random.choice(known)


@pytest.fixture
def command(dsn: str) -> Callable[..., list[str]]:
    """Return the command line of `integrations …` on this test's database."""
    setting = f"import os; os.environ['INTEGRATIONS_DATABASE_URL'] = {dsn!r}"
    program = f"{setting}; from scripts.commands.cli import main; main()"
    return lambda *arguments: [sys.executable, "-c", program, *arguments]


class Views:
    """The views of this test's database, seen and broken by a superuser."""

    def __init__(self, dsn: str, admin: Connection[TupleRow]) -> None:
        self.dsn = dsn
        self.admin = admin
        self.projections = [*PROJECTIONS.values()]

    def rows(self) -> dict[str, list[TupleRow]]:
        """Return all rows, and what is counted in them; a count of 0 is none."""
        found = {view: self._rows_of(view) for view in VIEWS}
        return found | {
            "integration_counts": [row for row in found["integration_counts"] if row[-1]]
        }

    def _rows_of(self, view: str) -> list[TupleRow]:
        everything = SQL("SELECT * FROM integrations.{} AS kept ORDER BY kept::text")
        return self.admin.execute(everything.format(Identifier(view))).fetchall()

    def rebuild(
        self,
        projections: Sequence[Projection[Any]] | None = None,
        progress: ProgressCallback = no_progress,
    ) -> LogComparison:
        """Rebuild them all, or those of *projections*."""
        return rebuild(self.dsn, projections or self.projections, progress)

    def check(self, workspace: str | None = None) -> LogComparison:
        """Compare them all with the log, or one *workspace* of them."""
        return compare_with_log(self.dsn, self.projections, no_progress, workspace)


@pytest.fixture
def views(dsn: str, admin: Connection[TupleRow]) -> Views:
    """The views of this test's database, made known to it as a start of the service does."""
    register_versions(admin, PROJECTIONS.values())
    return Views(dsn, admin)
