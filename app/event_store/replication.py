"""Is what was committed safe? On a cluster it is once a standby has it, and that may stay open.

A commit waits for a synchronous standby. If that wait is cut short (by a cancelled statement, a
time-out, an administrator) the commit returns as others do, is seen by everybody, and may yet be
lost with its server: a warning is the only sign.
"""

import asyncio
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from psycopg import AsyncConnection, BaseConnection
from psycopg.errors import Diagnostic

from app.database.availability import ReplicationUnconfirmedError

SYNC_WAIT_CANCELLED = "01000"  # the plainest of warnings; none of our functions gives one
# A commit that has written something waits for the standby to have all before it. If no standby
# is waited for, what can be seen is on disk, and nothing is written. A former primary, which waits
# for none either, fails in the first function.
CONFIRM = """
SELECT pg_current_xact_id(), pg_logical_emit_message(true, 'integrations', '')
WHERE current_setting('synchronous_standby_names') <> '' OR pg_is_in_recovery()
"""


@contextmanager
def require_replicated(connection: BaseConnection[Any]) -> Generator[None]:
    """Raise ReplicationUnconfirmedError if a commit of the block did not wait for its standby."""
    cut_short = False

    def on_notice(notice: Diagnostic) -> None:
        nonlocal cut_short
        cut_short = cut_short or notice.sqlstate == SYNC_WAIT_CANCELLED

    connection.add_notice_handler(on_notice)
    try:
        yield
    finally:
        connection.remove_notice_handler(on_notice)
    if cut_short:
        raise ReplicationUnconfirmedError


async def confirm_replicated(connection: AsyncConnection) -> None:
    """Wait until all that can be seen is safe.

    Raises:
        ReplicationUnconfirmedError: it is unknown whether it is.
    """
    with require_replicated(connection):
        await connection.execute(CONFIRM)


@contextmanager
def abort_after(seconds: float, connection: AsyncConnection) -> Generator[None]:
    """Break *connection* off if the block takes longer than *seconds*."""
    patience = asyncio.get_running_loop().call_later(seconds, abort_connection, connection)
    try:
        yield
    finally:
        patience.cancel()


def abort_connection(connection: BaseConnection[Any]) -> None:
    """Break *connection* off, so that the caller that waits for its response gets an error.

    Its commit is left to wait. It keeps the log's lock meanwhile, and nobody sees what it wrote:
    cancelled, it would be seen, and could still be lost.
    """
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
