"""The resources of the service: connections to the database, open files and sockets, memory."""

from contextlib import suppress

import psutil
import psycopg
from msgspec import Struct

from tests.reliability.environment import Environment

CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'integrations%'"


class Resources(Struct, frozen=True):
    """What all processes of the service hold together."""

    connections: int
    handles: int
    megabytes: float
    processes: int


def resources_of(environment: Environment) -> Resources:
    """Return what the service of *environment* holds now."""
    handles, megabytes, processes = 0, 0.0, 0
    for process in environment.service.processes():
        with suppress(psutil.NoSuchProcess):  # a worker that ends just now holds nothing
            handles += process.num_fds()
            megabytes += process.memory_info().rss / 1e6
            processes += 1
    with psycopg.connect(environment.dsn, autocommit=True) as connection:
        [(connections,)] = connection.execute(CONNECTIONS).fetchall()
    return Resources(connections, handles, megabytes, processes)
