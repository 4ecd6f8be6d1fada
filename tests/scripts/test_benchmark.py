"""The benchmark runs from end to end, in its shortest form, and says what it lacks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.http_benchmark.peer import FOLDER
from scripts.http_benchmark.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]
BENCHMARK = (sys.executable, "-m", "scripts.http_benchmark")


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
@pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/peers is not beside this clone")
def test_a_short_run_prints_a_line_for_every_scenario_with_both_sides_figures() -> None:
    sizes = "--seconds 1 --rounds 1 --workspaces 2 --connections 2"

    finished = run("scripts/benchmark", *sizes.split(), timeout=390)

    assert finished.returncode == 0, finished.stderr
    lines = [line.split("|")[1:-1] for line in finished.stdout.splitlines() if line[:1] == "|"]
    assert [line[0].strip() for line in lines[2:]] == [*SCENARIOS]
    for line in lines[2:]:
        ours, peer, ratio = (float(figure.strip(" *")) for figure in line[2:5])
        assert min(ours, peer) > 0
        assert ratio == pytest.approx(ours / peer, rel=0.05)
    assert "Warm start to ready: " in finished.stdout


def test_without_wrk_it_says_how_to_get_it_and_measures_nothing() -> None:
    finished = run(*BENCHMARK, path="/nowhere")

    assert finished.returncode == 2
    assert "apt-get install -y wrk" in finished.stderr
    assert finished.stdout == ""


def test_on_one_core_it_refuses_since_the_load_would_take_from_the_server() -> None:
    core = min(os.sched_getaffinity(0))

    finished = run("taskset", "--cpu-list", str(core), *BENCHMARK)

    assert finished.returncode == 2
    assert "two processor cores" in finished.stderr
