"""The observation after a fault: the stored log, the lists over HTTP, everything else with data."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx2
import msgspec
import psycopg
from msgspec import Struct
from psycopg.sql import SQL, Identifier

from tests.reliability.client import NO_TLS, WORKSPACES
from tests.reliability.environment import Environment

EVENTS = """
SELECT position, workspace_id, stream, version, type, envelope
FROM integrations.events ORDER BY position
"""
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'integrations'::regnamespace AND relkind = 'r' ORDER BY relname
"""


class Origin(Struct, rename="camel"):
    """The metadata of an event that the checker needs."""

    request_id: str | None = None
    idempotency_key: str | None = None


class StoredEnvelope(Struct):
    """What the checker reads in an envelope, without the service's own code."""

    workspace: str
    stream: str
    version: int
    at: datetime
    origin: Origin
    event: dict[str, Any]


class StoredRow(Struct, frozen=True):
    """One row of the log, and what its envelope says."""

    position: int
    workspace: str
    stream: str
    version: int
    type: str
    stored: StoredEnvelope


class Observation(Struct, frozen=True):
    """The log, the lists over HTTP, and the content of every table and log file."""

    log: Sequence[StoredRow]
    listed: Mapping[str, Mapping[str, tuple[str, bool]]]
    """By workspace: name and state of each integration."""
    contents: Mapping[str, bytes]


def observe(environment: Environment) -> Observation:
    """Read everything; the service must be ready."""
    with psycopg.connect(environment.dsn, autocommit=True) as connection:
        log = [stored_row(*row) for row in connection.execute(EVENTS)]
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        contents = {f"table {name}": table_content(connection, name) for name in names}
    contents["service's log"] = environment.service.log_file.read_bytes()
    if environment.postgres is not None:
        contents["server's log"] = environment.postgres.log_file.read_bytes()
    listed = {workspace: list_integrations(environment, workspace) for workspace in WORKSPACES}
    return Observation(log, listed, contents)


def stored_row(  # noqa: PLR0913, PLR0917 — the columns
    position: int, workspace: str, stream: str, version: int, type_: str, envelope: bytes
) -> StoredRow:
    """Return one row of the log."""
    stored = msgspec.json.decode(envelope, type=StoredEnvelope)
    return StoredRow(position, workspace, stream, version, type_, stored)


def table_content(connection: psycopg.Connection, table: str) -> bytes:
    """Return all that is in *table*, as text; bytes in it are in hex."""
    statement = SQL("COPY {} TO STDOUT").format(Identifier("integrations", table))
    with connection.cursor().copy(statement) as copy:
        return b"".join(bytes(part) for part in copy)


def list_integrations(
    environment: Environment, workspace: str, as_of: str | None = None
) -> dict[str, tuple[str, bool]]:
    """Return name and state of each integration in the list of *workspace*, over HTTP."""
    headers = {"Authorization": f"Bearer {environment.service.token(workspace)}"}
    address = f"{environment.service.address}/en/api/integration"
    with httpx2.Client(headers=headers, timeout=30, verify=NO_TLS, trust_env=False) as client:
        response = client.get(address, params={"asOf": as_of} if as_of else {})
        listed = response.raise_for_status().json()["result"]["data"]
    return {row["id"]: (row["name"], row["isActive"]) for row in listed}


def fold_log(log: Sequence[StoredRow]) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return what lists should contain: the checker's own fold of the log."""
    rows: defaultdict[str, dict[str, tuple[str, bool]]] = defaultdict(dict)
    for row in log:
        mine, event = rows[row.workspace], row.stored.event
        if row.type == "IntegrationCreated":
            mine[row.stream] = (event["name"], event["isActive"])
        elif row.stream not in mine:
            continue  # the log has lost its beginning: other invariants report that
        elif row.type == "IntegrationRenamed":
            mine[row.stream] = (event["name"], mine[row.stream][1])
        elif row.type == "IntegrationToggled":
            mine[row.stream] = (mine[row.stream][0], event["isActive"])
        elif row.type == "IntegrationDeleted":
            del mine[row.stream]
    return {workspace: rows[workspace] for workspace in rows}
