"""The benchmark runs from end to end, in its shortest form, and says what it lacks."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.http.peer import FOLDER
from tests.benchmarks.http.scenarios import SCENARIOS

ROOT = Path(__file__).parents[3]
ROUNDED = 0.005  # ratios are printed with two places
BENCHMARK = (sys.executable, "-m", "tests.benchmarks.http")


def run(
    *command: str, path: str = os.environ["PATH"], timeout: int = 30
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.mark.timeout(400)  # the first time it installs the peer
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is missing: apt-get install -y wrk")
@pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/peers is not next to this clone")
def test_a_short_run_prints_a_line_for_every_scenario_with_both_sides_figures() -> None:
    sizes = "--seconds 1 --rounds 1 --workspaces 2 --connections 2"

    finished = run("scripts/benchmark", *sizes.split(), timeout=390)

    assert finished.returncode == 0, finished.stderr
    http, appends, workers = tables(finished.stdout)
    assert [line[0] for line in http] == [*SCENARIOS]
    for line in http:
        ours, peer, ratio = map(number, line[2:5])
        assert min(ours, peer) > 0
        assert ratio == pytest.approx(ours / peer, rel=0.05, abs=ROUNDED)
    assert [line[0] for line in appends] == ["1", "16", "32"]
    for line in appends:
        assert number(line[3]) == pytest.approx(
            number(line[2]) / number(line[1]), rel=0.1, abs=ROUNDED
        )
        assert 0 < number(line[5]) < number(line[1]) * 10
    assert [line[0] for line in workers] == ["get", "list", "mix", "types"]
    for line in workers:
        assert number(line[3]) == pytest.approx(
            number(line[2]) / number(line[1]), rel=0.1, abs=ROUNDED
        )
    assert "Warm start to ready: " in finished.stdout


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is missing: apt-get install -y wrk")
def test_growth_measures_get_page_and_append_at_each_size() -> None:
    finished = run(
        *BENCHMARK,
        *["growth", "--integrations", "1000", "--seconds", "1", "--rounds", "1"],
        timeout=110,
    )

    assert finished.returncode == 0, finished.stderr
    [sizes] = tables(finished.stdout)
    assert [line[:2] for line in sizes] == [["1,000", "1"], ["1,000", "50"]]
    for line in sizes:
        for cost in line[2:5]:
            wall, ours, database = map(float, re.findall(r"[0-9.]+", cost.replace(",", "")))
            assert min(wall, ours, database) > 0
    for ratios in zip(*(line[5:] for line in sizes), strict=True):
        assert min(number(ratio.partition(" ")[0]) for ratio in ratios) == 1


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is missing: apt-get install -y wrk")
def test_a_soak_prints_how_much_memory_a_worker_has_before_and_after() -> None:
    finished = run(*BENCHMARK, *["soak", "--minutes", "0.05", "--seconds", "1"], timeout=110)

    assert finished.returncode == 0, finished.stderr
    [lines] = tables(finished.stdout)
    idle, first, last, grown, _, requests = (number(line[1]) for line in lines)
    assert 20 < idle < last < 1000
    assert grown == pytest.approx((last / first - 1) * 100, abs=0.2)
    assert lines[0][2:] == ["≤ 120", "met" if idle <= 120 else "not met"]
    assert requests > 0


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is missing: apt-get install -y wrk")
def test_leases_are_measured_next_to_get_and_so_are_their_parts() -> None:
    finished = run(*BENCHMARK, *["leases", "--seconds", "1", "--rounds", "1"], timeout=110)

    assert finished.returncode == 0, finished.stderr
    [lines] = tables(finished.stdout)
    assert [line[:2] for line in lines] == [
        ["get", "1"],
        ["lease", "1"],
        ["get", "32"],
        ["lease", "32"],
    ]
    for get, lease in (lines[:2], lines[2:]):
        assert number(lease[7]) == pytest.approx(
            number(lease[2]) / number(get[2]), rel=0.1, abs=ROUNDED
        )
    parts = re.search(r"Seal (\d+) µs, sign (\d+) µs .*; (\d+) bytes a record", finished.stdout)
    assert parts
    assert all(int(part) > 0 for part in parts.groups())


def tables(text: str) -> list[list[list[str]]]:
    """Return the lines of each table in *text*, without its head, as their cells."""
    found = re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
        for table in found
    ]


def number(figure: str) -> float:
    """Return a figure of a table as a number."""
    return float(figure.strip("*").replace(",", ""))


def test_without_wrk_it_says_how_to_get_it_and_measures_nothing() -> None:
    finished = run(*BENCHMARK, path="/nowhere")

    assert finished.returncode == 2
    assert "apt-get install -y wrk" in finished.stderr
    assert finished.stdout == ""


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is missing: apt-get install -y wrk")
def test_on_one_core_it_refuses_since_the_load_would_take_from_the_server() -> None:
    core = min(os.sched_getaffinity(0))

    finished = run("taskset", "--cpu-list", str(core), *BENCHMARK)

    assert finished.returncode == 2
    assert "two processor cores" in finished.stderr
