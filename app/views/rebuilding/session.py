"""Connections that rebuild: as the role for it, noticed by the server when their process dies."""

from contextlib import suppress

import msgspec
import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps

ROLE = "integrations_rebuild"
# A share of the log is sorted in memory, by one process: the others fold.
OPTIONS = f"-c role={ROLE} -c work_mem=64MB -c max_parallel_workers_per_gather=0"
NOTICE = "SET client_connection_check_interval = '500ms'"


def open_session(dsn: str) -> Connection[TupleRow]:
    """Return an autocommitting connection to *dsn*.

    Raises:
        psycopg.OperationalError: the database cannot be reached.
    """
    conninfo = make_conninfo(dsn, options=OPTIONS, application_name=ROLE)
    connection = psycopg.connect(conninfo, autocommit=True)
    set_json_dumps(msgspec.json.encode, connection)
    with suppress(psycopg.errors.InvalidParameterValue):  # a server that cannot notice
        connection.execute(NOTICE)
    return connection
