"""The command behind scripts/faults."""

import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

import click

from tests.reliability.fault import Fault
from tests.reliability.registry import FAULTS

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@click.command("scripts/faults")
@click.argument("names", nargs=-1, type=click.Choice([*FAULTS]), metavar="[NAME]…")
@click.option("--short", is_flag=True, help="The short form, as in CI.")
@click.option("--rounds", type=click.IntRange(1), help="So many rounds, whatever the form.")
@click.option("--list", "only_list", is_flag=True, help="Only list the faults.")
def command(*, names: Sequence[str], short: bool, rounds: int | None, only_list: bool) -> None:
    """Make the faults NAME, or all, under load and report what broke; status 1 if anything did."""
    for number_to_handle in STOP_SIGNALS:
        signal.signal(number_to_handle, stop)
    faults = [FAULTS[name] for name in names] or [f for f in FAULTS.values() if not f.apart]
    if only_list:
        for fault in FAULTS.values():
            click.echo(f"{fault.name:<24}{fault.sentence}{f' ({fault.apart})' * bool(fault.apart)}")
        return
    results = [
        run_and_report(fault, rounds or (fault.short if short else fault.long)) for fault in faults
    ]
    sys.exit(0 if all(results) else 1)


def stop(number: int, _: FrameType | None) -> None:
    """Exit, and stop what was started; a second signal must not leave a server behind."""
    for number_to_handle in STOP_SIGNALS:
        signal.signal(number_to_handle, signal.SIG_IGN)
    sys.exit(128 + number)


def run_and_report(fault: Fault, rounds: int) -> bool:
    """Run *fault* and print its outcome; return whether it passed."""
    click.echo(f"{fault.name}: {fault.sentence}")
    began = time.monotonic()
    outcome = fault.run(rounds)
    passed = fault.passed(outcome)
    click.echo(f"  {outcome.summary()}")
    for broken in outcome.violations:
        click.echo(f"  {'caught' if fault.breaks else 'BROKEN'}: {broken}")
    if fault.breaks and not passed:
        click.echo(f"  NOT CAUGHT: {fault.breaks}")
    click.echo(f"  {'passed' if passed else 'FAILED'} in {time.monotonic() - began:.0f} s")
    return passed


if __name__ == "__main__":
    command()
