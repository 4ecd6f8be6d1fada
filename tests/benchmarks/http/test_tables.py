"""The other tables: appends, growth, memory, workers."""

import pytest

from tests.benchmarks.http.appends import Appends, appends_table, events_alone
from tests.benchmarks.http.scaling import KINDS, Cost, ScalingResult, scaling_table
from tests.benchmarks.http.settings import Rounds
from tests.benchmarks.http.sized_databases import Size
from tests.benchmarks.http.soak import MemorySample, SoakResult, soak_table
from tests.benchmarks.http.workers import WorkerRates, workers_table
from tests.benchmarks.log.append_rate import writes


def test_appends_are_shown_as_a_ratio_to_what_pgbench_inserts_with_the_floor_at_16() -> None:
    sixteen = Appends(16, [1000, 1100, 900], [800, 700], [500])

    assert appends_table([sixteen]).splitlines()[-1] == (
        "| 16 | 1,000 | 750 | **0.75** | 0.7 | 500 | 0.50 |"
    )
    one = Appends(1, [100], [50], [25])
    assert appends_table([one]).splitlines()[-1] == "| 1 | 100 | 50 | **0.50** |  | 25 | 0.25 |"


def test_an_event_alone_is_the_same_event_with_nothing_for_the_views() -> None:
    whole, alone = next(writes(1)), next(events_alone(1))

    assert [type(each.event) for each in alone.envelopes] == [
        type(each.event) for each in whole.envelopes
    ]
    assert set(alone.rows.values()) == {None}


def test_growth_is_shown_as_multiples_of_the_least_of_each_kind_and_from_round_to_round() -> None:
    def grown(*kinds: list[Cost]) -> dict[str, ScalingResult]:
        return {name: ScalingResult(costs) for name, costs in zip(KINDS, kinds, strict=True)}

    even = [Cost(30, 10, 10), Cost(90, 12, 10), Cost(90, 14, 16)]
    small = grown([Cost(25, 15, 5)], [Cost(500, 400, 0)], [Cost(99, 50, 25)])
    large = grown(even, [Cost(999, 800, 0)], [Cost(98, 30, 30)])

    first, second = scaling_table(
        {Size(1_000, 1): small, Size(1_000_000, 1_000): large}
    ).splitlines()[2:]
    assert first.startswith("| 1,000 | 1 | 25 (15 + 5) | 500 (400 + 0) | 99 (50 + 25) |")
    assert first.endswith(
        "| **1.00** (1.00 to 1.00) | **1.00** (1.00 to 1.00) | **1.25** (1.25 to 1.25) |"
    )
    assert second.startswith("| 1,000,000 | 1,000 | 90 (12 + 10) | 999 (800 + 0) |")
    assert second.endswith(
        "| **1.10** (1.00 to 1.50) | **2.00** (2.00 to 2.00) | **1.00** (1.00 to 1.00) |"
    )


def test_a_soak_compares_the_ends_of_what_comes_after_the_warm_up() -> None:
    warm_up, rest = [50.0, 90.0], [100.0, 100.0, 103.0, 99.0, 120.0, 101.0, 102.0, 102.0]
    samples = [
        MemorySample(1_000.0 * n, memory) for n, memory in enumerate([*warm_up, *rest], start=1)
    ]
    result = SoakResult(80, samples, 10)

    assert [end.memory for end in result.ends] == [100, 102]
    assert soak_table(result).splitlines()[2:] == [
        "| idle, MB | 80 | ≤ 120 | met |",
        "| after the warm-up, MB | 100.0 |  |  |",
        "| after 10 minutes, MB | 102.0 |  |  |",
        "| grown, % | **2.00** | ≤ 2 | met |",
        "| grown a request, bytes | 333.3 |  |  |",
        "| requests | 10,000 |  |  |",
    ]
    more = SoakResult(121, [MemorySample(1, 100), MemorySample(2, 102.1)], 10)
    assert soak_table(more).count("| not met |") == 2


def test_two_workers_are_compared_with_one_and_show_how_busy_the_machine_was() -> None:
    get = WorkerRates("get", ([1000, 1100], [1680]), ([61, 59], [98]))

    assert workers_table([get]).splitlines()[-1] == (
        "| get | 1050 | 1680 | **1.60** | 1.5 | 60 % | 98 % |"
    )


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_rounds_are_mirrored(rounds: int) -> None:
    assert [*Rounds(count=rounds, seconds=1).abba_rounds("ab")] == [*"abbaab"[: 2 * rounds]]
