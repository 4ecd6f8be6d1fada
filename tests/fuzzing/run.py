"""Runs the engine over a target and reads from its report what it did."""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from msgspec import Struct

from tests.fuzzing.target import Target

FLAGS = (
    "-timeout=10",  # seconds for one input
    "-rss_limit_mb=1024",
    "-print_final_stats=1",
    "-verbosity=1",
)
INPUTS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
PEAK_MEMORY = re.compile(r"stat::peak_rss_mb:\s+(\d+)")
COVERAGE = re.compile(r"cov: (\d+) ft: \d+")
UNCAUGHT = "=== Uncaught Python exception: ==="
START_TIMEOUT = (
    900  # seconds in addition to those of fuzzing: instrumenting takes a while on a busy machine
)


class Outcome(Struct, frozen=True):
    """The outcome for one target: how much was tried, and the text of a finding, "" for none."""

    inputs: int
    coverage: int
    megabytes: int
    finding: str


def fuzz(target: Target, seconds: int) -> Outcome:
    """Feed *target* for so many *seconds*, or up to the first finding."""
    with TemporaryDirectory() as corpus:
        for number, example in enumerate(target.examples):
            Path(corpus, f"example-{number}").write_bytes(example)
        engine = [sys.executable, "-m", "tests.fuzzing.engine", target.name, *FLAGS]
        found = f"-exact_artifact_path={gettempdir()}/fuzz-{target.name}"
        done = subprocess.run(
            [*engine, f"-max_len={target.longest}", f"-max_total_time={seconds}", found, corpus],
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=seconds + START_TIMEOUT,
        )
    return parse_report(done.stderr, done.stdout, failed=done.returncode != 0)


def parse_report(report: str, output: str, *, failed: bool) -> Outcome:
    """Return the outcome from *report* of libFuzzer and *output* of atheris."""
    return Outcome(
        inputs=last_number(INPUTS, report),
        coverage=last_number(COVERAGE, report),
        megabytes=last_number(PEAK_MEMORY, report),
        finding=finding_text(report, output) if failed else "",
    )


def finding_text(report: str, output: str) -> str:
    """Return the part of *output* that describes a finding: a traceback, or the end of all."""
    _, found, details = output.partition(UNCAUGHT)
    return details.strip() if found else (report + output)[-2_000:].strip()


def last_number(pattern: re.Pattern[str], report: str) -> int:
    """Return the last number that *pattern* finds in *report*, or 0."""
    return int((pattern.findall(report) or [0])[-1])
