"""Measures the change feed: python -m tests.benchmarks.feed (docs/feed.md)."""

import asyncio
import os
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median, quantiles

import click
import httpx2
import psutil

from tests.benchmarks.log.report import Figure, table
from tests.benchmarks.machine import cpu
from tests.reliability.client import NO_TLS
from tests.reliability.environment import Environment, open_environment

PATH = "/en/api/integration"
STREAMS = 8  # that hear of each change
OPEN_STREAMS = 200  # when the service stops
PAUSE = 0.05  # seconds between two changes
WORKSPACES = 20  # with the streams whose memory is measured
BODY = {"name": "n", "type": "SENDGRID", "channel": "EMAIL"}


@click.command("tests.benchmarks.feed")
@click.option("--changes", type=click.IntRange(10), default=300, show_default=True)
@click.option("--streams", type=click.IntRange(10, 590), default=590, show_default=True)
@click.option("--idle", default=10.0, show_default=True, help="Seconds without a change.")
def command(*, changes: int, streams: int, idle: float) -> None:
    """Measure how soon changes come, what open streams cost, and a stop; print a table."""
    figures = [*latency_figures(1, changes), *latency_figures(2, changes)]
    with open_environment(workers=1) as environment:
        figures += asyncio.run(measure_streams(environment, streams, idle))
    with open_environment(workers=1) as environment:
        figures += asyncio.run(measure_stop(environment))
    click.echo(f"{cpu()}, {os.cpu_count()} cores; load average: {os.getloadavg()[0]:.1f}.\n")
    click.echo(table(figures))


def latency_figures(workers: int, changes: int) -> list[Figure]:
    """Return how long after its response a change came to the last of the streams."""
    with open_environment(workers=workers) as environment:
        waited = asyncio.run(measure_latency(environment, changes))
    name = f"{workers} process{'es' * (workers > 1)}: the last of {STREAMS} streams, ms"
    return [
        Figure(f"{name}, median", median(waited) * 1000, ""),
        Figure(f"{name}, p99", quantiles(waited, n=100)[98] * 1000, "≤ 50"),
        Figure(f"{name}, at most", max(waited) * 1000, ""),
    ]


async def measure_latency(environment: Environment, changes: int) -> list[float]:
    """Return the seconds from each response to the arrival at the last of the streams."""
    waited = list[float]()
    async with client(environment) as http, AsyncExitStack() as opened:
        created = await http.post(PATH, json=BODY)
        toggle = f"{PATH}/{created.json()['result']['data']['id']}/toggle"
        streams = [
            await opened.enter_async_context(open_stream(environment)) for _ in range(STREAMS)
        ]
        for number in range(changes):
            (await http.post(toggle, json={"isActive": bool(number % 2)})).raise_for_status()
            answered = time.monotonic()
            await asyncio.gather(*(reader.readuntil(b"event: change\n") for reader in streams))
            waited.append(time.monotonic() - answered)
            await asyncio.gather(*(reader.readuntil(b"\n\n") for reader in streams))
            await asyncio.sleep(PAUSE)
    return waited


async def measure_streams(environment: Environment, amount: int, idle: float) -> list[Figure]:
    """Return what *amount* open streams cost: memory, and processor time while nothing happens."""
    [process] = environment.service.processes()
    async with AsyncExitStack() as opened:
        alone = await cpu_share(process, idle)
        await opened.enter_async_context(open_stream(environment))
        one, before = await cpu_share(process, idle), process.memory_info().rss
        for number in range(amount):
            name = f"w{number % WORKSPACES}"
            await opened.enter_async_context(open_stream(environment, name))
        grown = process.memory_info().rss - before
        many = await cpu_share(process, idle)
    return [
        Figure(f"{amount} open streams, MB", grown / 1e6, ""),
        Figure("an open stream, KB", grown / amount / 1e3, ""),
        Figure("processor time without a stream, % of a core", alone * 100, ""),
        Figure("the same with one quiet stream, %", one * 100, ""),
        Figure(f"the same with {amount}, %", many * 100, ""),
    ]


async def cpu_share(process: psutil.Process, seconds: float) -> float:
    """Return the part of a core that *process* takes while nothing happens."""
    before = sum(process.cpu_times()[:2])
    await asyncio.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / seconds


async def measure_stop(environment: Environment) -> list[Figure]:
    """Return how long after SIGTERM the open streams have ended, and the service."""
    async with AsyncExitStack() as opened:
        streams = [
            await opened.enter_async_context(open_stream(environment, f"w{number % WORKSPACES}"))
            for number in range(OPEN_STREAMS)
        ]
        began = time.monotonic()
        environment.service.terminate()
        ends = await asyncio.gather(*(reader.read() for reader in streams))
        ended = time.monotonic() - began
        await asyncio.to_thread(environment.service.wait, 60)
        gone = time.monotonic() - began
    cut = sum(b"event: end" not in end for end in ends)
    return [
        Figure(f"SIGTERM with {OPEN_STREAMS} streams: all have ended, s", ended, "≤ 1"),
        Figure("the same: without an end event", cut, "0"),
        Figure("the same: the service is gone, s", gone, ""),
    ]


@asynccontextmanager
async def client(environment: Environment) -> AsyncGenerator[httpx2.AsyncClient]:
    """Yield a client with a token of the workspace demo."""
    headers = {"Authorization": f"Bearer {environment.service.token('demo')}"}
    async with httpx2.AsyncClient(
        base_url=environment.service.address, headers=headers, verify=NO_TLS, trust_env=False
    ) as http:
        yield http


@asynccontextmanager
async def open_stream(
    environment: Environment, workspace: str = "demo"
) -> AsyncGenerator[StreamReader]:
    """Yield what reads a stream of changes, over a connection of its own."""
    host, port = environment.service.address.removeprefix("http://").split(":")
    connection: tuple[StreamReader, StreamWriter] = await asyncio.open_connection(host, int(port))
    reader, writer = connection
    lines: Sequence[str] = (
        "GET /en/api/integration-changes HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {environment.service.token(workspace)}",
        "Accept: text/event-stream",
    )
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await reader.readuntil(b"retry: 1000\n\n")
    try:
        yield reader
    finally:
        writer.close()


if __name__ == "__main__":
    command()
