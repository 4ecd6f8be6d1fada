"""The command behind scripts/benchmark."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from app.database.embedded import EmbeddedServerError, open_embedded
from tests.benchmarks.http.appends import appends_table, measured_appends
from tests.benchmarks.http.arena import arena, version_of, warm_start
from tests.benchmarks.http.errors import CannotRunError, FailedRequestsError
from tests.benchmarks.http.grown import Size, sizes_up_to
from tests.benchmarks.http.growth import KINDS, growth_table, measured_growth
from tests.benchmarks.http.load import require_wrk
from tests.benchmarks.http.machine import description, two_cores
from tests.benchmarks.http.pace import Pace, Site
from tests.benchmarks.http.peer import install_peer, peer_versions
from tests.benchmarks.http.report import table
from tests.benchmarks.http.rounds import LOADED, Plan, measured
from tests.benchmarks.http.scenarios import SCENARIOS
from tests.benchmarks.http.soak import soak, soak_table
from tests.benchmarks.http.workers import measured_workers, workers_table

AMOUNT = click.IntRange(1)
OTHERS = ("appends", "workers")
CLIENTS = (1, 16, 32)  # that append
SECONDS = click.option("--seconds", type=AMOUNT, default=5, show_default=True, help="Of a round.")
ROUNDS = click.option(
    "--rounds", type=AMOUNT, default=4, show_default=True, help="Of each that is compared."
)


@click.group("scripts/benchmark", invoke_without_command=True)
@SECONDS
@ROUNDS
@click.option("--workspaces", type=AMOUNT, default=500, show_default=True, help="Of 20 each.")
@click.option(
    "--connections", type=AMOUNT, multiple=True, default=(1, LOADED), help="May be repeated."
)
@click.option(
    "--scenario",
    "chosen",
    type=click.Choice([*SCENARIOS, *OTHERS]),
    multiple=True,
    help="Instead of all; may be repeated.",
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
) -> None:
    """Measure the service beside its peer, and its log beside pgbench; print tables in Markdown.

    Ends with status 2 where something that it needs is missing, and with 1 where a request failed.
    """
    if context.invoked_subcommand:
        return
    names = chosen or (*SCENARIOS, *OTHERS)
    plan = Plan(
        seconds=seconds,
        rounds=rounds,
        connections=connections,
        scenarios=[SCENARIOS[name] for name in names if name in SCENARIOS],
    )
    others = [name for name in OTHERS if name in names]
    run(lambda folder: measure_beside(folder, plan, workspaces, others))


@command.command("growth")
@SECONDS
@ROUNDS
@click.option("--integrations", type=AMOUNT, default=1_000_000, show_default=True, help="At most.")
@click.option(
    "--kind", "kinds", type=click.Choice([*KINDS]), multiple=True, default=[*KINDS],
    help="Instead of all; may be repeated.",
)  # fmt: skip
def growth_command(*, seconds: int, rounds: int, integrations: int, kinds: Sequence[str]) -> None:
    """Measure whether a request costs more where there are more integrations or workspaces."""
    pace = Pace(seconds=seconds, rounds=rounds)
    run(lambda folder: measure_growth(folder, pace, sizes_up_to(integrations), kinds))


@command.command("soak")
@SECONDS
@click.option("--minutes", type=click.FloatRange(0), default=10.0, show_default=True)
def soak_command(*, seconds: int, minutes: float) -> None:
    """Measure whether the memory of a worker grows under a long load."""
    run(lambda folder: measure_soak(folder, minutes, seconds))


def run(measure: Callable[[Path], str]) -> None:
    """Print what *measure* tells, given a folder, and how busy the machine was."""
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


def measure_beside(folder: Path, plan: Plan, workspaces: int, others: Sequence[str]) -> str:
    """Return the tables of HTTP beside the peer, and of *others*, in Markdown."""
    cores, uvicorn = two_cores(), install_peer()
    ready, memory = warm_start(folder / "start")
    with arena(folder, uvicorn, cores, workspaces) as both:
        told = [
            f"{description(both.postgresql, peer_versions())}",
            f"{plan.rounds} rounds of {plan.seconds} s a side, {workspaces} workspaces of 20.",
            f"Warm start to ready: {ready:.2f} s; idle memory: {memory:.0f} MB.",
        ]
        if plan.scenarios:
            told += ["", table(list(measured(plan, both, folder)))]
        if "appends" in others:
            told += ["", appends_table(measured_appends(both.site, CLIENTS, plan))]
        if "workers" in others:
            told += ["", workers_table(measured_workers(both.site, both.ours.filled, plan))]
    return "\n".join(told)


def measure_growth(folder: Path, pace: Pace, sizes: Sequence[Size], kinds: Sequence[str]) -> str:
    """Return the table of what requests cost beside size, in Markdown."""
    cores = two_cores()
    with open_embedded(folder) as server:
        found = measured_growth(Site(server.dsn, folder, cores), sizes, kinds, pace)
        where = description(version_of(server.dsn))
    return f"{where}\n{pace.rounds} rounds of {pace.seconds} s.\n\n{growth_table(found)}"


def measure_soak(folder: Path, minutes: float, seconds: int) -> str:
    """Return the table of a worker's memory under load, in Markdown."""
    with open_embedded(folder) as server:
        where = description(version_of(server.dsn))
        return f"{where}\n\n{soak_table(soak(folder, minutes, seconds))}"


if __name__ == "__main__":
    command()
