"""The table shows medians, and ours over the peer's."""

from tests.benchmarks.http.load import Round
from tests.benchmarks.http.report import Cell, table, table_of_other


def rounds(*rates: float) -> list[Round]:
    return [Round(rate=rate, p50=rate / 100, p99=rate / 10, cpu=1e6 / rate) for rate in rates]


def test_a_line_holds_the_medians_of_both_sides_their_ratio_and_the_floor() -> None:
    cell = Cell("get", 32, 2.2, rounds(100, 300, 200, 9000), rounds(100, 90, 110))

    assert table([cell]).splitlines()[-1] == (
        "| get | 32 | 250 | 100 | **2.50** | 2.2 | 2.5 | 1.0 | 25.0 | 10.0 | 4167 | 10000 |"
    )


def test_a_line_without_a_floor_leaves_its_column_empty() -> None:
    cell = Cell("get", 1, None, rounds(100), rounds(100))

    assert "| **1.00** |  |" in table([cell])


def test_another_checkout_has_a_table_of_its_own() -> None:
    cell = Cell("get", 32, 6, rounds(100), rounds(50), rounds(80))

    head, _, line = table_of_other([cell]).splitlines()
    assert "| other/s |" in head
    assert line.startswith("| get | 32 | 100 | 80 | **1.25** |  |")
