"""PgBouncer in transaction mode, set up as docs/postgresql.md says."""

import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg.conninfo import conninfo_to_dict

from app.database.embedded.account import server_account
from app.database.migrate import migrate

NEEDS = "needs Debian's pgbouncer: apt-get install -y pgbouncer"
ROLES = ("integrations_command", "integrations_query", "integrations_past")
SESSION = (
    "SET ROLE {role}; SET timezone = 'UTC'; SET statement_timeout = '5s';"
    " SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '10s'"
)
# If SET ROLE fails PgBouncer uses the session all the same: as a role without any right.
LOGIN = "integrations_pooler"
LOGIN_ROLE = f"""
CREATE ROLE {LOGIN} LOGIN NOINHERIT;
GRANT {", ".join(ROLES)} TO {LOGIN} WITH INHERIT FALSE, SET TRUE
"""
START_TIMEOUT = 10.0  # seconds


class PgBouncerError(Exception):
    """PgBouncer is not there, or does not start."""


@contextmanager
def pgbouncer(dsn: str, port: int, size: int) -> Generator[None]:
    """Run PgBouncer on *port* before *dsn*, with *size* connections a role, while the block runs.

    Raises:
        PgBouncerError: it is not installed, or does not start.
    """
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if program is None:
        raise PgBouncerError(NEEDS)
    account = server_account()
    migrate(dsn)  # the roles must be there first
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(LOGIN_ROLE.encode())
    with TemporaryDirectory(prefix="faults-pgbouncer-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        settings = folder / "pgbouncer.ini"
        settings.write_text(settings_for(dsn, port, size))
        with subprocess.Popen(
            [program, "-q", str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=account.uid,
            group=account.gid,
            extra_groups=account.groups,
        ) as process:
            try:
                wait_for(port)
                yield
            finally:
                process.terminate()


def settings_for(dsn: str, port: int, size: int) -> str:
    """Return the settings: a database for each role that serves requests."""
    direct = conninfo_to_dict(dsn)
    where = f"host={direct['host']} port={direct['port']} dbname={direct['dbname']}"
    databases = [f"{role} = {where} user={LOGIN} connect_query='{quoted(role)}'" for role in ROLES]
    return "\n".join([
        "[databases]", *databases,
        "[pgbouncer]", "listen_addr = 127.0.0.1", f"listen_port = {port}", "unix_socket_dir =",
        "auth_type = any", "pool_mode = transaction", f"default_pool_size = {size}",
        "max_client_conn = 1000", "query_wait_timeout = 5",
        "server_login_retry = 1", "",
    ])  # fmt: skip


def quoted(role: str) -> str:
    """Return what a session of *role* is set to, as a value in quotes."""
    return SESSION.format(role=role).replace("'", "''")


def wait_for(port: int) -> None:
    """Return when PgBouncer listens."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)
    message = "PgBouncer does not start."
    raise PgBouncerError(message)
