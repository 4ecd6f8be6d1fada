"""Row-level security: queries see the rows of one workspace only.

What a pipeline sends up to its Sync is one transaction, without a BEGIN (PostgreSQL's manual, its
protocol, "Pipelining"). So the name of the workspace is sent together with the query, and is gone
after the response. If they were ever sent apart, the query would find nothing.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

from psycopg import AsyncConnection
from psycopg.abc import Params, QueryNoTemplate
from psycopg.rows import AsyncRowFactory

from app.database.pools import Pool

Row = TypeVar("Row")
SET_WORKSPACE_SQL = "SELECT set_config('app.workspace', %s, true)"  # for this transaction


async def fetch_in_workspace(
    pool: Pool,
    workspace: str,
    query: QueryNoTemplate,
    parameters: Params,
    shape: AsyncRowFactory[Row],
) -> list[Row]:
    """Return the rows, of *shape*, that *query* finds in *workspace*; in one round trip.

    *pool* is of a role that serves requests. Raises as the pool and its connections do.
    """
    async with pool.connection() as connection:
        cursor = connection.cursor(row_factory=shape)
        async with connection.pipeline():
            await connection.execute(SET_WORKSPACE_SQL, (workspace,))
            await cursor.execute(query, parameters, binary=True)
        return await cursor.fetchall()


@asynccontextmanager
async def workspace_connection(pool: Pool, workspace: str) -> AsyncGenerator[AsyncConnection]:
    """Yield a connection of *pool* that sees *workspace* alone, for queries that follow another."""
    async with pool.connection() as connection, connection.pipeline():
        await connection.execute(SET_WORKSPACE_SQL, (workspace,))
        yield connection
