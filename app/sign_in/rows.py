"""Statements on the tables of the sign-in, whose rows belong to no workspace."""

from collections.abc import Mapping
from typing import LiteralString

from app.database.availability import translate_unavailable
from app.database.pools import Pool
from app.sign_in.sealed_token import SealedToken

Parameters = Mapping[str, object]
BATCH_SIZE = 1_000  # rows of one statement, so that no delete is a long one


async def fetch_row(pool: Pool, query: LiteralString, parameters: Parameters) -> SealedToken | None:
    """Return the one row that *query* finds, or None; raise UnavailableError."""
    with translate_unavailable():
        async with pool.connection() as connection:
            row = await (await connection.execute(query, parameters)).fetchone()
            return SealedToken(*row) if row else None


async def execute(pool: Pool, statement: LiteralString, parameters: Parameters) -> int:
    """Return how many rows *statement* changed; raise UnavailableError."""
    with translate_unavailable():
        async with pool.connection() as connection:
            return (await connection.execute(statement, parameters)).rowcount


async def delete_expired(pool: Pool, statement: LiteralString) -> None:
    """Delete all that has ended, by a *statement* that deletes some; raise UnavailableError."""
    while await execute(pool, statement, {"limit": BATCH_SIZE}) == BATCH_SIZE:
        pass
