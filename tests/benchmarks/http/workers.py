"""Two workers beside one: how much more they answer, and what keeps them from twice as much."""

from collections.abc import Sequence
from statistics import mean, median

import psutil
from msgspec import Struct
from psycopg.conninfo import make_conninfo

from tests.benchmarks.http.contestants import ours
from tests.benchmarks.http.load import run_wrk, write_requests
from tests.benchmarks.http.machine import let_run_on
from tests.benchmarks.http.pace import Pace, Site
from tests.benchmarks.http.report import markdown
from tests.benchmarks.http.scenarios import SCENARIOS, Filled, Request, shuffled

CONNECTIONS = 32
FLOOR = 1.5  # of one worker's rate
COLUMNS = ("", "1 worker/s", "2 workers/s", "ratio", "at least", "CPU busy with 1", "with 2")


def types(filled: Filled) -> Sequence[Request]:
    """Ask for the types of integrations: a request with all but the database."""
    return shuffled(
        Request("GET", "/en/api/integration-types", workspace.token)
        for workspace in filled.workspaces
    )


ASKED = {name: SCENARIOS[name].requests for name in ("get", "list", "mix")} | {"types": types}


class Measured(Struct, frozen=True):
    """The rates of both, and which share of both cores was busy."""

    name: str
    rates: tuple[list[float], list[float]]
    busy: tuple[list[float], list[float]]


def measured_workers(site: Site, filled: Filled, pace: Pace) -> list[Measured]:
    """Measure our service with one worker and with two, all programs on both cores.

    It serves *filled* from the database `ours`.
    """
    let_run_on(site.cores, site.dsn)
    found = [Measured(name, ([], []), ([], [])) for name in ASKED]
    pin = ("taskset", "--cpu-list", ",".join(map(str, site.cores)))
    for name, requests in ASKED.items():
        write_requests(site.folder / f"{name}.requests", requests(filled))
    for workers in pace.mirrored((1, 2)):
        dsn = make_conninfo(site.dsn, dbname="ours")
        with ours(site.folder, *pin, database_url=dsn, workers=workers) as contestant:
            for each in found:
                file = site.folder / f"{each.name}.requests"
                run_wrk(contestant.address, file, CONNECTIONS, 1)
                psutil.cpu_percent(percpu=True)
                counted = run_wrk(contestant.address, file, CONNECTIONS, pace.seconds)
                shares = psutil.cpu_percent(percpu=True)
                each.rates[workers - 1].append(counted.requests / counted.duration * 1e6)
                each.busy[workers - 1].append(mean(shares[core] for core in site.cores))
    return found


def workers_table(found: Sequence[Measured]) -> str:
    """Return the medians as a table in Markdown."""
    return markdown(COLUMNS, map(line_of, found))


def line_of(each: Measured) -> Sequence[str]:
    """Return the line of one scenario."""
    (one, two), busy = map(median, each.rates), [f"{median(share):.0f} %" for share in each.busy]
    return (each.name, f"{one:.0f}", f"{two:.0f}", f"**{two / one:.2f}**", f"{FLOOR}", *busy)
