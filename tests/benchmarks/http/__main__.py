"""The command behind scripts/benchmark."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from app.database.embedded import EmbeddedServerError, open_embedded
from tests.benchmarks.errors import CannotRunError, FailedRequestsError
from tests.benchmarks.http.appends import appends_table, measure_appends
from tests.benchmarks.http.environment import open_environment, version_of, warm_start
from tests.benchmarks.http.leases import leases_table, measure_leases, measure_parts
from tests.benchmarks.http.load import require_wrk
from tests.benchmarks.http.peer import install_peer, peer_versions
from tests.benchmarks.http.report import table, table_of_other
from tests.benchmarks.http.rounds import MAX_CONNECTIONS, Plan, measure_scenarios
from tests.benchmarks.http.scaling import KINDS, measure_scaling, scaling_table
from tests.benchmarks.http.scenarios import SCENARIOS
from tests.benchmarks.http.settings import Machine, Rounds
from tests.benchmarks.http.sized_databases import Size, sizes_up_to
from tests.benchmarks.http.soak import soak, soak_table
from tests.benchmarks.http.workers import measure_workers, workers_table
from tests.benchmarks.machine import description, two_cores

POSITIVE = click.IntRange(1)
OTHERS = ("appends", "workers")
CLIENTS = (1, 16, 32)  # that append
SECONDS = click.option("--seconds", type=POSITIVE, default=5, show_default=True, help="Of a round.")
ROUNDS = click.option(
    "--rounds", type=POSITIVE, default=4, show_default=True, help="Of each that is compared."
)


@click.group("scripts/benchmark", invoke_without_command=True)
@SECONDS
@ROUNDS
@click.option("--workspaces", type=POSITIVE, default=500, show_default=True, help="Of 20 each.")
@click.option(
    "--connections",
    type=POSITIVE,
    multiple=True,
    default=(1, MAX_CONNECTIONS),
    help="May be repeated.",
)
@click.option(
    "--scenario",
    "chosen",
    type=click.Choice([*SCENARIOS, *OTHERS]),
    multiple=True,
    help="Instead of all; may be repeated.",
)
@click.option(
    "--other",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another checkout, with its own .venv, to compare with in the same run.",
)
@click.pass_context
def command(  # noqa: PLR0913 — each is an option
    context: click.Context,
    *,
    seconds: int,
    rounds: int,
    workspaces: int,
    connections: Sequence[int],
    chosen: Sequence[str],
    other: Path | None,
) -> None:
    """Compare the service with its peer, and its log with pgbench; print tables in Markdown.

    Ends with status 2 if something that it needs is missing, and with 1 if a request failed.
    """
    if context.invoked_subcommand:
        return
    names = chosen or (*SCENARIOS, *OTHERS)
    plan = Plan(
        seconds=seconds,
        count=rounds,
        connections=connections,
        scenarios=[SCENARIOS[name] for name in names if name in SCENARIOS],
    )
    others = [name for name in OTHERS if name in names]
    run(lambda folder: compare_with_peer(folder, plan, workspaces, others, other))


@command.command("growth")
@SECONDS
@ROUNDS
@click.option(
    "--integrations", type=POSITIVE, default=1_000_000, show_default=True, help="At most."
)
@click.option(
    "--kind", "kinds", type=click.Choice([*KINDS]), multiple=True, default=[*KINDS],
    help="Instead of all; may be repeated.",
)  # fmt: skip
def growth_command(*, seconds: int, rounds: int, integrations: int, kinds: Sequence[str]) -> None:
    """Measure whether a request costs more when there are more integrations or workspaces."""
    run(
        lambda folder: scaling_report(
            folder, Rounds(seconds=seconds, count=rounds), sizes_up_to(integrations), kinds
        )
    )


@command.command("soak")
@SECONDS
@click.option("--minutes", type=click.FloatRange(0), default=10.0, show_default=True)
def soak_command(*, seconds: int, minutes: float) -> None:
    """Measure whether the memory of a worker grows under a long load."""
    run(lambda folder: soak_report(folder, minutes, seconds))


@command.command("leases")
@SECONDS
@ROUNDS
def leases_command(*, seconds: int, rounds: int) -> None:
    """Measure leases next to get, sealing and signing, and the access journal."""
    run(lambda folder: leases_report(folder, Rounds(seconds=seconds, count=rounds)))


def run(measure: Callable[[Path], str]) -> None:
    """Print the report of *measure*, which gets a folder, and how busy the machine was."""
    try:
        require_wrk()
        busy = os.getloadavg()[0]
        with TemporaryDirectory(prefix="benchmark-") as name:
            folder = Path(name)
            folder.chmod(0o711)  # the account of PostgreSQL must get through
            click.echo(measure(folder))
        click.echo(f"\nLoad average {busy:.1f} before, {os.getloadavg()[0]:.1f} after.")
    except (CannotRunError, EmbeddedServerError) as error:
        click.echo(f"scripts/benchmark: {error}", err=True)
        sys.exit(2)
    except FailedRequestsError as error:
        click.echo(f"scripts/benchmark: {error}", err=True)
        sys.exit(1)


def compare_with_peer(
    folder: Path, plan: Plan, workspaces: int, others: Sequence[str], other: Path | None
) -> str:
    """Return the tables that compare HTTP with the peer, and those of *others*, in Markdown.

    *other* is another checkout to compare with.
    """
    cores, uvicorn = two_cores(), install_peer()
    ready, memory = warm_start(folder / "start")
    with open_environment(folder, uvicorn, cores, workspaces, other) as environment:
        lines = [
            f"{description(environment.postgresql, peer_versions())}",
            f"{plan.count} rounds of {plan.seconds} s a side, {workspaces} workspaces of 20.",
            f"Warm start to ready: {ready:.2f} s; idle memory: {memory:.0f} MB.",
        ]
        if plan.scenarios:
            cells = list(measure_scenarios(plan, environment, folder))
            lines += ["", table(cells)]
            if other is not None:
                lines += ["", table_of_other(cells)]
        if "appends" in others:
            lines += ["", appends_table(measure_appends(environment.machine, CLIENTS, plan))]
        if "workers" in others:
            lines += [
                "",
                workers_table(measure_workers(environment.machine, environment.ours.data, plan)),
            ]
    return "\n".join(lines)


def scaling_report(
    folder: Path, rounds: Rounds, sizes: Sequence[Size], kinds: Sequence[str]
) -> str:
    """Return the table of the cost of requests by size, in Markdown."""
    cores = two_cores()
    with open_embedded(folder) as server:
        found = measure_scaling(Machine(server.dsn, folder, cores), sizes, kinds, rounds)
        where = description(version_of(server.dsn))
    return f"{where}\n{rounds.count} rounds of {rounds.seconds} s.\n\n{scaling_table(found)}"


def leases_report(folder: Path, rounds: Rounds) -> str:
    """Return the table of leases next to get, and what a lease is made of, in Markdown."""
    cores = two_cores()
    with open_embedded(folder) as server:
        found = measure_leases(Machine(server.dsn, folder, cores), rounds)
        lines = [
            description(version_of(server.dsn)),
            f"{rounds.count} rounds of {rounds.seconds} s.",
            *("", leases_table(found)),
            *("", measure_parts(server.dsn)),
        ]
    return "\n".join(lines)


def soak_report(folder: Path, minutes: float, seconds: int) -> str:
    """Return the table of a worker's memory under load, in Markdown."""
    with open_embedded(folder) as server:
        where = description(version_of(server.dsn))
        return f"{where}\n\n{soak_table(soak(folder, minutes, seconds))}"


if __name__ == "__main__":
    command()
