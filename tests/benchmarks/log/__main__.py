"""The command behind scripts/benchmark_log."""

from collections.abc import Sequence
from statistics import median

import click

from tests.benchmarks.audit import in_memory, tree_of
from tests.benchmarks.http.machine import cpu
from tests.benchmarks.log.appending import append_rate
from tests.benchmarks.log.commands import rates_of, timed, weighed
from tests.benchmarks.log.library import library_rate
from tests.benchmarks.log.report import Figure, report
from tests.benchmarks.log.serving import felt_during
from tests.benchmarks.log.stage import Stage, settle, stage

PROOFS = 1_000
TURN = 1  # seconds of appends
AMOUNT = click.IntRange(1)


@click.command("scripts/benchmark_log")
@click.option("--events", type=AMOUNT, default=1_000_000, show_default=True, help="In the log.")
@click.option("--library-events", type=AMOUNT, default=20_000, show_default=True)
@click.option("--rounds", type=AMOUNT, default=3, show_default=True, help="Of which the median.")
@click.option("--seconds", type=AMOUNT, default=5, show_default=True, help="Of a round of appends.")
def command(*, events: int, library_events: int, rounds: int, seconds: int) -> None:
    """Measure rebuild, replay and appends on a long log; print a table in Markdown."""
    with stage(events) as on:
        figures = measured(on, events, min(library_events, events), rounds, seconds)
        click.echo(report(events, rounds, on.version, cpu(), figures))


def measured(
    on: Stage, events: int, library_events: int, rounds: int, seconds: int
) -> list[Figure]:
    """Return all figures; rebuilds come first, as appends make the log longer."""
    timed(on, "rebuild")  # the first has nothing to compare with
    rebuilt_in = weighed(on, "rebuild")  # not while it is timed, as to look takes time of the cores
    rebuilds = [rebuilt_alone(on) for _ in range(rounds)]
    library = library_rate(on.many, library_events)
    replayed_in = weighed(on, "replay", "--format", "jsonl")
    replays = [timed(on, "replay", "--format", "jsonl") for _ in range(rounds)]
    quiet, busy = felt_during(on, seconds * 2)
    few, many = appends(on, rounds, seconds)
    rebuilt = median(rates_of(rebuilds, events))
    tree = tree_of(events)
    made, checked = in_memory(tree, PROOFS)
    return [
        Figure("rebuild of all views, events/s", rebuilt, "≥ 100,000"),
        Figure("rebuild, MB of its processes", rebuilt_in, "≤ 400"),
        Figure(f"ProjectionRunner, {library_events:,} events, events/s", library, ""),
        Figure("rebuild / ProjectionRunner", rebuilt / library, "≥ 100"),
        Figure("replay --format jsonl, events/s", median(rates_of(replays, events)), "≥ 150,000"),
        Figure("replay, MB", replayed_in, "flat"),
        Figure("appends/s at 1,000 events", median(few), ""),
        Figure(f"appends/s at {events:,} events", median(many), ""),
        Figure("the latter / the former, each beside the other", ratio_of(few, many), "≥ 0.9"),
        Figure(f"tree of {events:,} leaves, ms", tree.seconds * 1000, "≤ 5,000"),
        Figure("inclusion proof made, µs", made * 1000, "≤ 5,000"),
        Figure("inclusion proof checked, µs", checked * 1000, "≤ 100"),
        Figure("p99 of GET, ms, without a rebuild", quiet.get, ""),
        Figure("p99 of GET, ms, during a rebuild", busy.get, f"≤ {2 * quiet.get:.1f}"),
        Figure("p99 of POST, ms, without a rebuild", quiet.post, ""),
        Figure("p99 of POST, ms, during a rebuild", busy.post, f"≤ {2 * quiet.post:.1f}"),
        Figure(f"of {busy.requests} requests during a rebuild failed", busy.failed, "0"),
    ]


def rebuilt_alone(on: Stage) -> float:
    """Return how many seconds a rebuild takes, beside nothing that an earlier one left to do."""
    settle(on.many)
    return timed(on, "rebuild")


def appends(on: Stage, rounds: int, seconds: int) -> tuple[list[float], list[float]]:
    """Return the rates on few and on many events, in many short turns of mirrored order."""
    settle(on.few)
    settle(on.many)
    few: list[float] = []
    many: list[float] = []
    for number in range(max(1, 2 * rounds * seconds // TURN)):
        both = [(few, on.few), (many, on.many)]
        for rates, dsn in both if number % 2 else reversed(both):
            rates.append(append_rate(dsn, min(TURN, seconds)))
    return few, many


def ratio_of(few: Sequence[float], many: Sequence[float]) -> float:
    """Return the median of what each of *many* is beside its neighbour of *few*.

    What the machine gives changes by a third within a minute, which moves both alike.
    """
    return median(there / here for here, there in zip(few, many, strict=True))


if __name__ == "__main__":
    command()
