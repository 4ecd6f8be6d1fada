"""Pools of connections, one a role, so that waiting writes never hold up reads."""

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

SIZE = 8  # connections a role and worker, unless said otherwise
QUEUE = 1_000  # requests that may wait for one; more are answered 503 at once
PATIENCE = 5.0  # seconds that a request waits for one


def open_pool(dsn: str, role: str, *, size: int = SIZE) -> AsyncConnectionPool[AsyncConnection]:
    """Return a pool, not yet open, of autocommitting connections that act as *role*.

    Times come in UTC, wherever the server thinks it is.
    Statements are prepared at first use: planning them anew doubles the database's work.
    """
    return AsyncConnectionPool(
        make_conninfo(dsn, options=f"-c role={role} -c timezone=UTC", application_name=role),
        kwargs={"autocommit": True, "prepare_threshold": 0},
        min_size=1,
        max_size=size,
        max_waiting=QUEUE,
        timeout=PATIENCE,
        open=False,
        name=role,
    )
