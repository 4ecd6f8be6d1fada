"""The server that takes writes: behind one address there may be others, now or after a failover."""

from psycopg.conninfo import make_conninfo


def of_primary(dsn: str, **more: str | int | None) -> str:
    """Return the conninfo *dsn*, with *more*, by which no server answers that takes no writes.

    What a former primary shows may be undone; a standby shows what was. Nobody is served from them.
    """
    return make_conninfo(dsn, **more | {"target_session_attrs": "read-write"})
