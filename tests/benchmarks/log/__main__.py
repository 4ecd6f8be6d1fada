"""The command behind scripts/benchmark_log."""

from collections.abc import Sequence
from statistics import median

import click

from tests.benchmarks.log.append_rate import append_rate
from tests.benchmarks.log.commands import measure_memory, rates_of, time_command
from tests.benchmarks.log.databases import BenchmarkDatabases, open_databases, vacuum_and_checkpoint
from tests.benchmarks.log.eventsourcing_baseline import library_rate
from tests.benchmarks.log.latency_under_rebuild import measure_latency
from tests.benchmarks.log.report import Figure, report
from tests.benchmarks.machine import cpu

TURN_SECONDS = 1  # seconds of appends
POSITIVE = click.IntRange(1)


@click.command("scripts/benchmark_log")
@click.option("--events", type=POSITIVE, default=1_000_000, show_default=True, help="In the log.")
@click.option("--library-events", type=POSITIVE, default=20_000, show_default=True)
@click.option("--rounds", type=POSITIVE, default=3, show_default=True, help="Of which the median.")
@click.option(
    "--seconds", type=POSITIVE, default=5, show_default=True, help="Of a round of appends."
)
def command(*, events: int, library_events: int, rounds: int, seconds: int) -> None:
    """Measure rebuild, replay and appends on a long log; print a table in Markdown."""
    with open_databases(events) as databases:
        figures = measure(databases, events, min(library_events, events), rounds, seconds)
        click.echo(report(events, rounds, databases.version, cpu(), figures))


def measure(
    databases: BenchmarkDatabases, events: int, library_events: int, rounds: int, seconds: int
) -> list[Figure]:
    """Return all figures; rebuilds come first, as appends make the log longer."""
    time_command(databases, "rebuild")  # the first has nothing to compare with
    rebuild_memory = measure_memory(databases, "rebuild")  # apart: sampling uses the cores
    rebuilds = [time_rebuild(databases) for _ in range(rounds)]
    library = library_rate(databases.many, library_events)
    replay_memory = measure_memory(databases, "replay", "--format", "jsonl")
    replays = [time_command(databases, "replay", "--format", "jsonl") for _ in range(rounds)]
    quiet, busy = measure_latency(databases, seconds * 2)
    few, many = appends(databases, rounds, seconds)
    rebuilt = median(rates_of(rebuilds, events))
    return [
        Figure("rebuild of all views, events/s", rebuilt, "≥ 80,000"),
        Figure("rebuild, MB", rebuild_memory, "≤ 400"),
        Figure(f"ProjectionRunner, {library_events:,} events, events/s", library, ""),
        Figure("rebuild / ProjectionRunner", rebuilt / library, "≥ 100"),
        Figure("replay --format jsonl, events/s", median(rates_of(replays, events)), "≥ 150,000"),
        Figure("replay, MB", replay_memory, "flat"),
        Figure("appends/s at 1,000 events", median(few), ""),
        Figure(f"appends/s at {events:,} events", median(many), ""),
        Figure("the latter / the former, in neighbouring rounds", ratio_of(few, many), "≥ 0.9"),
        Figure("p99 of GET, ms, without a rebuild", quiet.get, ""),
        Figure("p99 of GET, ms, during a rebuild", busy.get, f"≤ {2 * quiet.get:.1f}"),
        Figure("p99 of POST, ms, without a rebuild", quiet.post, ""),
        Figure("p99 of POST, ms, during a rebuild", busy.post, f"≤ {2 * quiet.post:.1f}"),
        Figure(f"of {busy.requests} requests during a rebuild failed", busy.failed, "0"),
    ]


def time_rebuild(databases: BenchmarkDatabases) -> float:
    """Return how many seconds a rebuild takes, with no work left over from an earlier one."""
    vacuum_and_checkpoint(databases.many)
    return time_command(databases, "rebuild")


def appends(
    databases: BenchmarkDatabases, rounds: int, seconds: int
) -> tuple[list[float], list[float]]:
    """Return the rates on few and on many events, in many short turns of mirrored order."""
    vacuum_and_checkpoint(databases.few)
    vacuum_and_checkpoint(databases.many)
    few: list[float] = []
    many: list[float] = []
    for number in range(max(1, 2 * rounds * seconds // TURN_SECONDS)):
        both = [(few, databases.few), (many, databases.many)]
        for rates, dsn in both if number % 2 else reversed(both):
            rates.append(append_rate(dsn, min(TURN_SECONDS, seconds)))
    return few, many


def ratio_of(few: Sequence[float], many: Sequence[float]) -> float:
    """Return the median ratio of each of *many* to its neighbour in *few*.

    The speed of the machine changes by a third within a minute, which moves both alike.
    """
    return median(there / here for here, there in zip(few, many, strict=True))


if __name__ == "__main__":
    command()
