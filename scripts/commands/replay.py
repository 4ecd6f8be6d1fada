"""integrations replay: shows the audit log, from the events."""

import signal
import sys

import click

from app.gc_tuning import tune_garbage_collector
from app.progress import progress_bar
from app.replay.filters import PointInTime, ReplayFilter
from app.replay.replay import (
    Format,
    Output,
    replay,
    replay_as_of,
    replay_following,
)
from app.settings import read_settings
from scripts.commands.cli import run
from scripts.commands.option_types import WORKSPACE_ID
from scripts.commands.point_in_time import POINT_IN_TIME


@click.command("replay")
@click.option("--workspace", type=WORKSPACE_ID, help="Only this workspace's.")
@click.option("--integration", help="Only this integration's.")
@click.option("--from", "start", type=POINT_IN_TIME, help="Only from this position or time on.")
@click.option("--to", "end", type=POINT_IN_TIME, help="Only up to this position or time.")
@click.option(
    "--as-of", type=POINT_IN_TIME, help="Show the integrations as they were then instead."
)
@click.option("--follow", is_flag=True, help="Continue with each new event, until Ctrl-C.")
@click.option("-n", "newest", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "jsonl"]),
    help="A table on a terminal, JSON Lines otherwise.",
)
def replay_command(  # noqa: PLR0913 — each is an option
    *,
    workspace: str | None,
    integration: str | None,
    start: PointInTime | None,
    end: PointInTime | None,
    as_of: PointInTime | None,
    follow: bool,
    newest: int | None,
    format_: Format | None,
) -> None:
    """Show the audit log, oldest first; positions and times are included at both ends."""
    require_no_contradiction(as_of, follow=follow, start=start, end=end, newest=newest)
    tune_garbage_collector()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # if the reader leaves, end without an error
    selection = ReplayFilter(
        workspace=workspace,
        integration=integration,
        start=start,
        end=end if as_of is None else as_of,
        newest=newest,
    )
    output = Output(sys.stdout, format_ or ("table" if sys.stdout.isatty() else "jsonl"))
    settings = read_settings()
    try:
        if follow:
            replay_following(settings, selection, output)
        with progress_bar() as report_progress:
            show = replay if as_of is None else replay_as_of
            show(settings, selection, output, report_progress)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def require_no_contradiction(
    as_of: PointInTime | None,
    *,
    follow: bool,
    start: PointInTime | None,
    end: PointInTime | None,
    newest: int | None,
) -> None:
    """Refuse options that exclude each other."""
    others = (start, end, newest)
    if as_of is not None and (follow or any(each is not None for each in others)):
        message = "--as-of stands alone: no --from, no --to, no --follow, no -n"
        raise click.UsageError(message)
    if follow and end is not None:
        message = "--follow has no end: no --to"
        raise click.UsageError(message)


if __name__ == "__main__":
    run(replay_command)
