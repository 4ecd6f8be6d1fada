"""The order of the rounds: each scenario at each number of connections, in ABBA order."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tests.benchmarks.http.environment import BenchmarkEnvironment
from tests.benchmarks.http.load import Round, probe, run_round, write_requests
from tests.benchmarks.http.report import Cell
from tests.benchmarks.http.scenarios import Scenario
from tests.benchmarks.http.settings import Rounds

WARM_UP = 2  # seconds at most
MAX_CONNECTIONS = 32  # connections at which the floors hold


class Plan(Rounds, frozen=True, kw_only=True):
    """What to measure: each scenario on all servers, at all `connections`."""

    scenarios: Sequence[Scenario]
    connections: Sequence[int]


def measure_scenarios(
    plan: Plan, environment: BenchmarkEnvironment, folder: Path
) -> Iterator[Cell]:
    """Measure every scenario at every number of connections; *folder* takes the requests.

    Raises:
        FailedRequestsError: a request got another status than its own.
    """
    for scenario in plan.scenarios:
        write_scenario(scenario, environment, folder)
        for connections in plan.connections:
            click.echo(f"{scenario.name}, {connections} connections …", err=True)
            rounds = measure_all(environment, folder, connections, plan)
            floor = scenario.floor if connections == MAX_CONNECTIONS else None
            yield Cell(scenario.name, connections, floor, **rounds)


def write_scenario(scenario: Scenario, environment: BenchmarkEnvironment, folder: Path) -> None:
    """Write the requests of *scenario* for each server, and check some of them."""
    for loaded in environment.servers:
        requests = scenario.requests(loaded.data)
        write_requests(folder / f"{loaded.server.name}.requests", requests)
        probe(loaded.server, requests)


def measure_all(
    environment: BenchmarkEnvironment, folder: Path, connections: int, plan: Plan
) -> dict[str, list[Round]]:
    """Return the rounds of each server by its name."""
    servers = [loaded.server for loaded in environment.servers]
    rounds: dict[str, list[Round]] = {server.name: [] for server in servers}
    files = {server.name: folder / f"{server.name}.requests" for server in servers}
    for server in servers:
        run_round(server, files[server.name], connections, min(WARM_UP, plan.seconds))
    for server in plan.abba_rounds(servers):
        rounds[server.name].append(run_round(server, files[server.name], connections, plan.seconds))
    return rounds
