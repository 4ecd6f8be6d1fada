"""How long a network may say nothing before a connection across it is taken for lost."""

from psycopg.conninfo import conninfo_to_dict, make_conninfo

# A network that drops packets says nothing. Unless its address says otherwise, a connection:
NETWORK_TIMEOUTS = {
    "connect_timeout": 3,  # s; more than two lost SYNs, which go out after 0, 1 and 3 s
    "tcp_user_timeout": 5_000,  # ms without an acknowledgement of what was sent
    # What was sent and acknowledged, and is then waited for, or a connection that idles, is only
    # missed by asking: after 5 s of silence, every 2 s, three times.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def with_network_timeouts(dsn: str) -> str:
    """Return the conninfo *dsn*, with the NETWORK's time-outs if it has none of its own.

    Raises:
        psycopg.ProgrammingError: *dsn* is no conninfo.
    """
    return make_conninfo("", **NETWORK_TIMEOUTS | conninfo_to_dict(dsn))


def require_primary(dsn: str, **more: str | int | None) -> str:
    """Return the conninfo *dsn*, with *more*, by which no server answers that takes no writes.

    What a former primary shows may be undone; a standby shows what was. Nobody is served from them.
    """
    return make_conninfo(dsn, **more | {"target_session_attrs": "read-write"})
