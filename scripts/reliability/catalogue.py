"""Every fault by name, in the order of the table in docs/reliability.md."""

from scripts.reliability import database_faults
from scripts.reliability.fault import Fault

FAULTS: dict[str, Fault] = {fault.name: fault for fault in (*database_faults.FAULTS,)}
