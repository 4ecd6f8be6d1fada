"""Every fault in its short form, and every negative control: the checker must be able to fail."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.fault import Fault
from tests.reliability.registry import FAULTS

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)  # seconds; on a machine of one's own the longest takes 30
@pytest.mark.parametrize(
    "fault", [f for f in FAULTS.values() if f.in_ci and not f.apart], ids=lambda f: f.name
)
def test_a_fault_breaks_nothing_and_a_control_is_caught(fault: Fault) -> None:
    outcome = fault.run(fault.short)
    assert fault.passed(outcome), (fault.breaks, [*map(str, outcome.violations)], outcome.summary())


def test_the_command_lists_every_fault() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "tests.reliability", "--list"],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    assert [line.split()[0] for line in listed.splitlines()] == [*FAULTS]
