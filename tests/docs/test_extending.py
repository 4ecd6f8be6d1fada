"""docs/extending.md: the program on the page does what the page says."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from app.command_handler import CommandHandler, CommandRequest, PreparedCommand, utc_now
from app.database.pools import open_pool
from app.event_store.postgres import PostgresEventLog
from domain.envelope import Actor, EventMetadata
from domain.integration import CreateIntegration, ToggleIntegration

ROOT = Path(__file__).parents[2]
[PROGRAM] = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "extending.md").read_text(), re.DOTALL
)
METADATA = EventMetadata(actor=Actor(sub="user-1"))
TIMEOUT = 30  # seconds


async def create(dsn: str, *types: str, first: int) -> None:
    """Create an integration of each of *types*, and switch it off, as requests do."""
    async with open_pool(dsn, "integrations_command") as pool:
        handler = CommandHandler(PostgresEventLog(pool), utc_now)
        for number, type_ in enumerate(types, first):
            created = CreateIntegration(name=f"Mail {number}", type=type_, channel="EMAIL")
            for command in (created, ToggleIntegration(is_active=False)):
                await handler.handle(
                    CommandRequest(
                        workspace="demo",
                        stream=f"int_{number}",
                        metadata=METADATA,
                        command=PreparedCommand(command),
                    )
                )


@contextmanager
def running(dsn: str) -> Generator[None]:
    """Run the program of the page while the block runs, and kill it at the end."""
    environment = {**os.environ, "INTEGRATIONS_DATABASE_URL": dsn}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment) as process:
        try:
            yield
        finally:
            process.kill()


def wait_for(dsn: str, expected: dict[str, int]) -> None:
    """Wait until the table of the page holds *expected*."""
    deadline, counts = time.monotonic() + TIMEOUT, {}
    with psycopg.connect(dsn, autocommit=True) as connection:
        while counts != expected and time.monotonic() < deadline:
            time.sleep(0.1)
            counts = counts_in(connection)
    assert counts == expected


def counts_in(connection: Connection[TupleRow]) -> dict[str, int]:
    try:
        return dict(connection.execute("SELECT type, created FROM public.types_in_use").fetchall())
    except psycopg.errors.UndefinedTable:
        return {}


async def test_the_program_counts_each_event_once_over_a_kill(dsn: str) -> None:
    await create(dsn, "SENDGRID", "TWILIO", first=1)
    with running(dsn):
        wait_for(dsn, {"SENDGRID": 1, "TWILIO": 1})
        await create(dsn, "SENDGRID", first=3)
        wait_for(dsn, {"SENDGRID": 2, "TWILIO": 1})
    await create(dsn, "NEXMO", first=4)
    with running(dsn):
        wait_for(dsn, {"SENDGRID": 2, "TWILIO": 1, "NEXMO": 1})
