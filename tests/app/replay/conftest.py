"""A log with two integrations of two workspaces, and the command that replays it."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.command_handler import CommandHandler, CommandRequest, PreparedCommand
from app.database.pools import open_pool
from app.event_store.postgres import PostgresEventLog
from domain.envelope import Actor, EventMetadata
from domain.integration import (
    ChangeIntegration,
    CreateIntegration,
    Credential,
    DeleteIntegration,
    IntegrationCommand,
    ToggleIntegration,
)

NINE = datetime(2026, 11, 5, 9, tzinfo=UTC)
KEY = Credential(field="apiKey", version=1, kek="kek-1", commitment="c0ffee")
CREATE = CreateIntegration(name="Mail", type="SENDGRID", channel="EMAIL", credentials=(KEY,))
STORY: list[tuple[str, str, IntegrationCommand]] = [
    ("a", "int_1", CREATE),
    ("b", "int_2", CREATE),
    ("a", "int_1", ChangeIntegration(name="Post\x9b31m\u202e")),
    ("a", "int_1", ToggleIntegration(is_active=False)),
    ("b", "int_2", DeleteIntegration()),
]
"""One a minute from nine o'clock on; what the domain does not forbid may be in the log."""
Command = Callable[..., list[str]]
Tell = Callable[[str], None]


@pytest.fixture
def tell() -> Tell:
    """Return what writes the STORY into a database."""
    return lambda dsn: asyncio.run(told(dsn))


async def told(dsn: str) -> None:
    """Write the STORY."""
    times = (NINE + timedelta(minutes=minute) for minute in range(len(STORY)))
    origin = EventMetadata(actor=Actor(sub="user-1", name="Zoë", email="zoe@example.org"))
    async with open_pool(dsn, "integrations_command") as pool:
        executor = CommandHandler(PostgresEventLog(pool), lambda: next(times))
        for workspace, stream, command in STORY:
            asked = PreparedCommand(command)
            await executor.handle(
                CommandRequest(workspace=workspace, stream=stream, metadata=origin, command=asked)
            )


@pytest.fixture
def story(dsn: str, tell: Tell) -> str:
    """A database with the STORY in its log."""
    tell(dsn)
    return dsn


@pytest.fixture
def command() -> Command:
    """Return the command line of `integrations …` with a setting: `command(DATA_DIR=…)`."""

    def command(*arguments: str, **settings: str) -> list[str]:
        named = {f"INTEGRATIONS_{name}": value for name, value in settings.items()}
        setting = f"import os; os.environ.update({named!r})"
        program = f"{setting}; from scripts.commands.cli import main; main()"
        return [sys.executable, "-c", program, *arguments]

    return command
