"""Connections that rebuild: as the role for it, noticed by the server when their process dies."""

from contextlib import suppress

import msgspec
import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps

ROLE = "integrations_rebuild"
# Where rows differ, two tables are joined whole; by one process, as others have work of their own.
# While others work, most sessions are idle for as long as it takes.
OPTIONS = (
    f"-c role={ROLE} -c work_mem=64MB -c max_parallel_workers_per_gather=0"
    " -c idle_session_timeout=0"
)
# What a crash takes from a shadow is made anew. The switch waits for the disk, and so for all that
# was committed before it.
HASTY = "-c synchronous_commit=off"
OPENED = 2  # commits by the time that a session is open: its server process's first one, and this:
NOTICE = "SET client_connection_check_interval = '500ms'"


def open_session(dsn: str, *, hasty: bool = False) -> Connection[TupleRow]:
    """Return an autocommitting connection to *dsn*; commits of a *hasty* one wait for no disk.

    Raises:
        psycopg.OperationalError: the database cannot be reached.
    """
    options = f"{OPTIONS} {HASTY}" if hasty else OPTIONS
    conninfo = make_conninfo(dsn, options=options, application_name=ROLE)
    connection = psycopg.connect(conninfo, autocommit=True)
    set_json_dumps(msgspec.json.encode, connection)
    with suppress(psycopg.errors.InvalidParameterValue):  # a server that cannot notice
        connection.execute(NOTICE)
    return connection
