"""How to connect: network timeouts, the primary only, and as which role."""

import re

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
# In the options of an address, for the server (missing_rights.sql) and for us: roles log in
# themselves, as those of the embedded server do, and what their names begin with.
ROLES_LOG_IN = "-c app.roles_log_in=on"
ROLE_PREFIX = re.compile(r"-c app\.role_prefix=(\w+)")
DEFAULT_PREFIX = "integrations"


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


def with_role_prefix(dsn: str, prefix: str) -> str:
    """Return the conninfo *dsn* of an installation whose roles have names with *prefix*."""
    if prefix == DEFAULT_PREFIX:
        return dsn
    return make_conninfo(dsn, options=f"{given_options(dsn)} -c app.role_prefix={prefix}".strip())


def role_name(dsn: str, role: str) -> str:
    """Return the name that the *role* `integrations_…` has in the installation of *dsn*."""
    found = ROLE_PREFIX.search(given_options(dsn))
    return f"{found[1]}{role.removeprefix(DEFAULT_PREFIX)}" if found else role


def acting_as(dsn: str, role: str, **session: str) -> str:
    """Return the conninfo *dsn* whose sessions act as *role*, each with the settings *session*.

    If roles log in themselves, no session can become more than its role. Else the user of
    *dsn* takes it on.
    """
    given, name = given_options(dsn), role_name(dsn, role)
    logs_in = ROLES_LOG_IN in given
    settings = session if logs_in else {"role": name} | session
    options = " ".join([given, *(f"-c {name}={value}" for name, value in settings.items())])
    who = {"user": name} if logs_in else {}
    return make_conninfo(dsn, **who, options=options.strip(), application_name=role)


def given_options(dsn: str) -> str:
    """Return the options that the conninfo *dsn* has for the server."""
    return str(conninfo_to_dict(dsn).get("options", ""))
