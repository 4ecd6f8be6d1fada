"""`scripts/test` on a machine without Chromium."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_browser_tests(**settings: str) -> "subprocess.CompletedProcess[str]":
    """Run the tests of the console with a PATH on which there is no program at all."""
    clean = {name: value for name, value in os.environ.items() if name not in {"CI", "PATH"}}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/browser/test_walk.py"],
        cwd=ROOT,
        env=clean | {"PATH": "/nowhere"} | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def test_without_chromium_one_line_says_what_to_install() -> None:
    result = run_browser_tests()

    lines = [line for line in result.stdout.splitlines() if line.startswith("SKIPPED")]
    assert (result.returncode, len(lines)) == (0, 1), result.stdout
    assert "apt-get install -y chromium" in lines[0]


def test_ci_fails_without_chromium() -> None:
    result = run_browser_tests(CI="true")

    assert result.returncode == 1
    assert "apt-get install -y chromium" in result.stdout
