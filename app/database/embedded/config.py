"""The server's settings, written anew at each start beside the cluster, where only we can write."""

from app.database.embedded.account import our_name
from app.database.embedded.data_directory import Home
from app.database.embedded.memory import shared_buffers

ROLE = "integrations"  # the cluster's superuser, and the name of its database

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


def write_settings(home: Home) -> list[str]:
    """Write the settings of *home*; return the arguments that make `postgres` read them."""
    # What `all` leaves out is for pg_basebackup.
    rules = [f"local {database} all peer map=service\n" for database in ("all", "replication")]
    hba = written(home, "pg_hba.conf", "".join(rules))
    name = our_name().replace('"', '""')
    # Role `all`: who may be the superuser may be any role.
    ident = written(home, "pg_ident.conf", f'service "{name}" all\n')
    paths = {"hba_file": hba, "ident_file": ident, "unix_socket_directories": str(home.sockets)}
    buffers = f"shared_buffers = {shared_buffers()}MB\n"
    lines = "".join(f"{name} = {quoted(path)}\n" for name, path in paths.items())
    safety = DURABLE if home.durable else THROWAWAY
    config = written(home, "postgresql.conf", SETTINGS + buffers + safety + lines)
    return ["-D", str(home.cluster), "-c", f"config_file={config}"]


def written(home: Home, name: str, text: str) -> str:
    """Write *text*, which the server's account may read but not change; return the path."""
    path = home.path / name
    path.write_text(text)
    path.chmod(0o644)
    return str(path)


def quoted(value: str) -> str:
    """Return *value* as a string of postgresql.conf, where backslashes escape too."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
