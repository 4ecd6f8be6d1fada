"""Compares two workers with one: the ratio of their rates, and how busy both cores are."""

from collections.abc import Sequence
from statistics import mean, median

import psutil
from msgspec import Struct
from psycopg.conninfo import make_conninfo

from tests.benchmarks.http.load import run_wrk, write_requests
from tests.benchmarks.http.report import markdown
from tests.benchmarks.http.scenarios import SCENARIOS, Request, SeedData, shuffled
from tests.benchmarks.http.servers import start_ours
from tests.benchmarks.http.settings import Machine, Rounds
from tests.benchmarks.machine import pin_to_cores

CONNECTIONS = 32
FLOOR = 1.5  # of one worker's rate
COLUMNS = ("", "1 worker/s", "2 workers/s", "ratio", "at least", "CPU busy with 1", "with 2")


def types(data: SeedData) -> Sequence[Request]:
    """Get the types of integrations: a request that does everything but use the database."""
    return shuffled(
        Request("GET", "/en/api/integration-types", workspace.token)
        for workspace in data.workspaces
    )


REQUESTS = {name: SCENARIOS[name].requests for name in ("get", "list", "mix")} | {"types": types}


class WorkerRates(Struct, frozen=True):
    """The rates of both, and how busy both cores were, in percent."""

    name: str
    rates: tuple[list[float], list[float]]
    busy: tuple[list[float], list[float]]


def measure_workers(machine: Machine, data: SeedData, rounds: Rounds) -> list[WorkerRates]:
    """Measure our service with one worker and with two, all programs on both cores.

    It serves *data* from the database `ours`.
    """
    pin_to_cores(machine.cores, machine.dsn)
    found = [WorkerRates(name, ([], []), ([], [])) for name in REQUESTS]
    pin = ("taskset", "--cpu-list", ",".join(map(str, machine.cores)))
    for name, requests in REQUESTS.items():
        write_requests(machine.folder / f"{name}.requests", requests(data))
    for workers in rounds.abba_rounds((1, 2)):
        dsn = make_conninfo(machine.dsn, dbname="ours")
        with start_ours(machine.folder, *pin, database_url=dsn, workers=workers) as server:
            for each in found:
                file = machine.folder / f"{each.name}.requests"
                run_wrk(server.address, file, CONNECTIONS, 1)
                psutil.cpu_percent(percpu=True)
                result = run_wrk(server.address, file, CONNECTIONS, rounds.seconds)
                parts = psutil.cpu_percent(percpu=True)
                each.rates[workers - 1].append(result.requests / result.duration * 1e6)
                each.busy[workers - 1].append(mean(parts[core] for core in machine.cores))
    return found


def workers_table(found: Sequence[WorkerRates]) -> str:
    """Return the medians as a table in Markdown."""
    return markdown(COLUMNS, map(line_of, found))


def line_of(each: WorkerRates) -> Sequence[str]:
    """Return the line of one scenario."""
    (one, two), busy = map(median, each.rates), [f"{median(part):.0f} %" for part in each.busy]
    return (each.name, f"{one:.0f}", f"{two:.0f}", f"**{two / one:.2f}**", f"{FLOOR}", *busy)
