"""The command behind scripts/benchmark."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from app.database.embedded import EmbeddedServerError
from scripts.http_benchmark.arena import arena, warm_start
from scripts.http_benchmark.errors import CannotRunError, FailedRequestsError
from scripts.http_benchmark.load import require_wrk
from scripts.http_benchmark.machine import description, two_cores
from scripts.http_benchmark.peer import install_peer, peer_versions
from scripts.http_benchmark.report import table
from scripts.http_benchmark.rounds import LOADED, Plan, measured
from scripts.http_benchmark.scenarios import SCENARIOS

AMOUNT = click.IntRange(1)


@click.command("scripts/benchmark")
@click.option("--seconds", type=AMOUNT, default=5, show_default=True, help="Of a round.")
@click.option("--rounds", type=AMOUNT, default=4, show_default=True, help="Of each side.")
@click.option("--workspaces", type=AMOUNT, default=500, show_default=True, help="Of 20 each.")
@click.option(
    "--connections", type=AMOUNT, multiple=True, default=(1, LOADED), help="May be repeated."
)
@click.option(
    "--scenario",
    "chosen",
    type=click.Choice(list(SCENARIOS)),
    multiple=True,
    help="Instead of all.",
)
def command(
    *, seconds: int, rounds: int, workspaces: int, connections: Sequence[int], chosen: Sequence[str]
) -> None:
    """Measure the service beside its peer; print a table in Markdown.

    Ends with status 2 where something that it needs is missing, and with 1 where a request failed.
    """
    plan = Plan(
        seconds=seconds,
        rounds=rounds,
        connections=connections,
        scenarios=[SCENARIOS[name] for name in chosen or SCENARIOS],
    )
    try:
        click.echo(measure(plan, workspaces))
    except (CannotRunError, EmbeddedServerError) as error:
        click.echo(f"scripts/benchmark: {error}", err=True)
        sys.exit(2)
    except FailedRequestsError as error:
        click.echo(f"scripts/benchmark: {error}", err=True)
        sys.exit(1)


def measure(plan: Plan, workspaces: int) -> str:
    """Return what was measured where, and the table, in Markdown."""
    busy, cores, _, uvicorn = os.getloadavg()[0], two_cores(), require_wrk(), install_peer()
    with TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account of PostgreSQL must get through
        ready, memory = warm_start(folder / "start")
        with arena(folder, uvicorn, cores, workspaces) as both:
            cells = list(measured(plan, both, folder))
            where = description(both.postgresql, peer_versions())
    return (
        f"{where}\n{plan.rounds} rounds of {plan.seconds} s a side, {workspaces} workspaces of 20;"
        f" load average {busy:.1f} before, {os.getloadavg()[0]:.1f} after.\n"
        f"Warm start to ready: {ready:.2f} s; idle memory: {memory:.0f} MB.\n\n{table(cells)}"
    )


if __name__ == "__main__":
    command()
