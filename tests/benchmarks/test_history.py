"""The benchmark of the history runs from end to end, in its shortest form."""

from click.testing import CliRunner

from tests.benchmarks.history import FILTERED, command


def test_a_short_run_prints_a_line_for_each_size_and_filter() -> None:
    finished = CliRunner().invoke(command, ["--events", "2000"])

    assert finished.exit_code == 0, finished.output
    lines = [line.split("|")[1:-1] for line in finished.stdout.splitlines() if line[:1] == "|"]
    assert len(lines) == 2 + 4 + len(FILTERED)
    assert [line[1].strip() for line in lines[2:6]] == ["1,000", "1,000", "2,000", "2,000"]
