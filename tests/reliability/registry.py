"""Every fault by name, in the order of the table in docs/reliability.md."""

from tests.reliability import (
    clock_faults,
    command_faults,
    connection_faults,
    contention_faults,
    database_faults,
    disk_faults,
    feed_faults,
    negative_controls,
    network_faults,
    stopping_faults,
    worker_faults,
)
from tests.reliability.cluster import faults as cluster_faults
from tests.reliability.fault import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        *worker_faults.FAULTS,
        *feed_faults.FAULTS,
        *database_faults.FAULTS,
        *stopping_faults.FAULTS,
        *network_faults.FAULTS,
        *contention_faults.FAULTS,
        *connection_faults.FAULTS,
        *disk_faults.FAULTS,
        *clock_faults.FAULTS,
        *command_faults.FAULTS,
        *cluster_faults.FAULTS,
        *negative_controls.FAULTS,
    )
}
