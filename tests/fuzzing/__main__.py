"""The command behind scripts/fuzz."""

import sys
from collections.abc import Sequence

import click

from tests.fuzzing.registry import TARGETS
from tests.fuzzing.run import fuzz
from tests.fuzzing.target import Target


@click.command("scripts/fuzz")
@click.argument("names", nargs=-1, type=click.Choice([*TARGETS]), metavar="[TARGET]…")
@click.option("--seconds", type=click.IntRange(1), default=60, help="For each target.")
@click.option("--list", "only_list", is_flag=True, help="Only list the targets.")
def command(*, names: Sequence[str], seconds: int, only_list: bool) -> None:
    """Feed each TARGET, or all, with bad input and report failures; status 1 if there is one."""
    targets = [TARGETS[name] for name in names or TARGETS]
    if only_list:
        click.echo("\n".join(target.name for target in targets))
        return
    click.echo(f"{'target':<20}{'inputs':>12}{'coverage':>10}{'MiB':>6}  finding")
    results = [run_and_report(target, seconds) for target in targets]
    sys.exit(0 if all(results) else 1)


def run_and_report(target: Target, seconds: int) -> bool:
    """Feed *target* and print a line of the table; return whether nothing was found."""
    outcome = fuzz(target, seconds)
    line = f"{target.name:<20}{outcome.inputs:>12,}{outcome.coverage:>10,}{outcome.megabytes:>6}"
    click.echo(f"{line}  {outcome.finding or 'none'}")
    return not outcome.finding


if __name__ == "__main__":
    command()
