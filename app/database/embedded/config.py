"""PostgreSQL's configuration files, written at each start where only the service can write."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.database.embedded.account import current_user
from app.database.embedded.data_directory import ServerDirectory

ROLE = "integrations"  # the cluster's superuser, and the name of its database
LOGIN_ROLES = tuple(
    f"integrations_{role}"
    for role in ("command", "query", "past", "audit", "follower", "rebuild", "recorder", "rewrap")
)

# Errors go to the client that caused them and not into the log: their text repeats values
# ("invalid input syntax for type uuid: …"), their DETAIL names keys, their STATEMENT literals.
SETTINGS = """\
listen_addresses = ''
port = 5432
unix_socket_permissions = 0700
max_connections = 120
huge_pages = off
max_wal_size = 512MB
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
logging_collector = off
log_destination = 'stderr'
log_line_prefix = '%m [%p] '
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_statement = none
log_min_duration_statement = -1
log_checkpoints = off
log_autovacuum_min_duration = -1
"""
DURABLE = "fsync = on\nfull_page_writes = on\nsynchronous_commit = on\n"
THROWAWAY = "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n"


def write_config(directory: ServerDirectory) -> list[str]:
    """Write the settings of *directory*; return the arguments for `postgres` to read them."""
    # What `all` leaves out is for pg_basebackup.
    rules = [f"local {database} all peer map=service\n" for database in ("all", "replication")]
    hba = write_file(directory, "pg_hba.conf", "".join(rules))
    name = current_user().replace('"', '""')
    # A user who may be the superuser may be any role; PostgreSQL 15 does not know `all` here.
    maps = [f'service "{name}" {role}\n' for role in ("all", ROLE, *LOGIN_ROLES)]
    ident = write_file(directory, "pg_ident.conf", "".join(maps))
    paths = {
        "hba_file": hba,
        "ident_file": ident,
        "unix_socket_directories": str(directory.sockets),
    }
    buffers = f"shared_buffers = {shared_buffers_mb()}MB\n"
    lines = "".join(f"{name} = {quote(path)}\n" for name, path in paths.items())
    safety = DURABLE if directory.durable else THROWAWAY
    config = write_file(directory, "postgresql.conf", SETTINGS + buffers + safety + lines)
    return ["-D", str(directory.cluster), "-c", f"config_file={config}"]


def write_file(directory: ServerDirectory, name: str, text: str) -> str:
    """Write *text*, which the server's account can read but not change; return the path."""
    path = directory.path / name
    path.write_text(text)
    path.chmod(0o644)
    return str(path)


def quote(value: str) -> str:
    """Return *value* as a string of postgresql.conf, where backslashes escape too."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


MEMORY_LIMIT_FILES = (
    Path("/sys/fs/cgroup/memory.max"),  # of the container
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),  # the same in cgroups version 1
)
MB = 1 << 20
MEMORY_FRACTION = 8  # PostgreSQL's manual advises a quarter on a dedicated machine
MIN_SHARED_BUFFERS, MAX_SHARED_BUFFERS = 128, 1024  # MB


def shared_buffers_mb(limits: Sequence[Path] = MEMORY_LIMIT_FILES) -> int:
    """Return the size of the page cache in MB: an eighth of the memory, which fills with use."""
    eighth = min(memory_limits(limits)) // MEMORY_FRACTION // MB
    return max(MIN_SHARED_BUFFERS, min(MAX_SHARED_BUFFERS, eighth))


def memory_limits(limits: Sequence[Path]) -> Iterator[int]:
    """Yield the bytes of memory that the machine has, and those that its container may use."""
    yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in limits:
        if limit.is_file() and (amount := limit.read_text().strip()).isdecimal():
            yield int(amount)
