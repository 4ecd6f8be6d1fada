"""Network timeouts: after how long a silent connection counts as lost; and the primary only."""

from psycopg.conninfo import conninfo_to_dict, make_conninfo

# A network that drops packets is silent. The address of a database may set other values.
NETWORK_TIMEOUTS = {
    "connect_timeout": 3,  # s; more than two lost SYNs, which go out after 0, 1 and 3 s
    "tcp_user_timeout": 5_000,  # ms without an acknowledgement of what was sent
    # A loss while waiting for a response, or on an idle connection, is only noticed by probes:
    # after 5 s of silence, every 2 s, three times.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def with_network_timeouts(dsn: str) -> str:
    """Return the conninfo *dsn*, with NETWORK_TIMEOUTS if it has none of its own.

    Raises:
        psycopg.ProgrammingError: *dsn* is not a conninfo.
    """
    return make_conninfo("", **NETWORK_TIMEOUTS | conninfo_to_dict(dsn))


def require_primary(dsn: str, **more: str | int | None) -> str:
    """Return the conninfo *dsn*, with *more*, which connects only to a server that accepts writes.

    The data of a former primary may be undone, and that of a standby outdated: neither is served.
    """
    return make_conninfo(dsn, **more | {"target_session_attrs": "read-write"})
