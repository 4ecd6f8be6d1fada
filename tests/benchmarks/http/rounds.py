"""The order of the rounds: each scenario, at each number of connections, mirrored."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tests.benchmarks.http.arena import Arena
from tests.benchmarks.http.load import Round, probe, run_round, write_requests
from tests.benchmarks.http.pace import Pace
from tests.benchmarks.http.report import Cell
from tests.benchmarks.http.scenarios import Scenario

WARM_UP = 2  # seconds at most
LOADED = 32  # connections at which the floors hold


class Plan(Pace, frozen=True, kw_only=True):
    """What to measure: each scenario on either side, at all `connections`."""

    scenarios: Sequence[Scenario]
    connections: Sequence[int]


def measured(plan: Plan, both: Arena, folder: Path) -> Iterator[Cell]:
    """Measure every scenario at every number of connections; *folder* takes the requests.

    Raises:
        FailedRequestsError: a request was not answered as it should be.
    """
    for scenario in plan.scenarios:
        write_scenario(scenario, both, folder)
        for connections in plan.connections:
            click.echo(f"{scenario.name}, {connections} connections …", err=True)
            ours, peer = mirrored(both, folder, connections, plan)
            floor = scenario.floor if connections == LOADED else None
            yield Cell(scenario.name, connections, floor, ours, peer)


def write_scenario(scenario: Scenario, both: Arena, folder: Path) -> None:
    """Write the requests of *scenario* for each side, and see that they are answered well."""
    for side in (both.ours, both.peer):
        requests = scenario.requests(side.filled)
        write_requests(folder / f"{side.contestant.name}.requests", requests)
        probe(side.contestant, requests)


def mirrored(
    both: Arena, folder: Path, connections: int, plan: Plan
) -> tuple[list[Round], list[Round]]:
    """Return our rounds and the peer's."""
    sides = (both.ours.contestant, both.peer.contestant)
    rounds: dict[str, list[Round]] = {side.name: [] for side in sides}
    files = {side.name: folder / f"{side.name}.requests" for side in sides}
    for side in sides:
        run_round(side, files[side.name], connections, min(WARM_UP, plan.seconds))
    for side in plan.mirrored(sides):
        rounds[side.name].append(run_round(side, files[side.name], connections, plan.seconds))
    return rounds["ours"], rounds["peer"]
