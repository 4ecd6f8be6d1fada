"""The latency of GET and POST at a steady rate, before a rebuild and while it runs."""

import asyncio
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from statistics import quantiles

import httpx2
from msgspec import Struct

from tests.benchmarks.log.databases import BenchmarkDatabases, integrations
from tests.benchmarks.log.seed_data import PER_WORKSPACE, stream_of, workspace_of

REQUESTS_PER_SECOND = 100  # requests a second; every fourth is a POST
STEP = 0.2  # seconds
INTEGRATION = stream_of(PER_WORKSPACE + 1)  # of workspace 1, and not deleted
BODY = {"name": "Mail", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.x"}


class Latencies(Struct, frozen=True):
    """99th percentiles in milliseconds, how many requests there were, and how many failed."""

    get: float
    post: float
    requests: int
    failed: int


class TimedResponse(Struct, frozen=True):
    """One request."""

    is_post: bool
    status: int
    seconds: float


@contextmanager
def run_service(databases: BenchmarkDatabases) -> Generator[str]:
    """Yield the address of a service on the many events."""
    with subprocess.Popen(
        integrations("serve"), env=databases.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("Listening on ").strip()
        process.terminate()


def measure_latency(databases: BenchmarkDatabases, seconds: float) -> tuple[Latencies, Latencies]:
    """Return the latencies in *seconds* without a rebuild, and while one runs."""
    with run_service(databases) as address:
        token = subprocess.run(
            integrations("token", "--workspace", workspace_of(1)),
            env=databases.environment(), capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        return asyncio.run(before_and_during(databases, address, token, seconds))


async def before_and_during(
    databases: BenchmarkDatabases, address: str, token: str, seconds: float
) -> tuple[Latencies, Latencies]:
    """Send requests, first without a rebuild and then while one runs."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=30) as client:
        await send_at_rate(client, 2)
        quiet = latencies(await send_at_rate(client, seconds))
        rebuild = await asyncio.create_subprocess_exec(
            *integrations("rebuild"), env=databases.environment(), stdout=subprocess.DEVNULL
        )
        responses: list[TimedResponse] = []
        while rebuild.returncode is None:
            responses += await send_at_rate(client, STEP)
    return quiet, latencies(responses)


async def send_at_rate(client: httpx2.AsyncClient, seconds: float) -> list[TimedResponse]:
    """Send REQUESTS_PER_SECOND for *seconds*, without waiting for responses."""
    tasks: list[asyncio.Task[TimedResponse]] = []
    started = time.perf_counter()
    for number in range(int(seconds * REQUESTS_PER_SECOND)):
        await asyncio.sleep(max(0.0, started + number / REQUESTS_PER_SECOND - time.perf_counter()))
        tasks.append(asyncio.create_task(send(client, is_post=number % 4 == 0)))
    return [*await asyncio.gather(*tasks)]


async def send(client: httpx2.AsyncClient, *, is_post: bool) -> TimedResponse:
    """Send one request."""
    started = time.perf_counter()
    if is_post:
        response = await client.post("/en/api/integration", json=BODY)
    else:
        response = await client.get(f"/en/api/integration/{INTEGRATION}")
    return TimedResponse(is_post, response.status_code, time.perf_counter() - started)


def latencies(responses: Sequence[TimedResponse]) -> Latencies:
    """Return the percentiles of *responses*."""
    return Latencies(
        get=percentile([a.seconds for a in responses if not a.is_post]),
        post=percentile([a.seconds for a in responses if a.is_post]),
        requests=len(responses),
        failed=sum(a.status not in {200, 201} for a in responses),
    )


def percentile(seconds: Sequence[float]) -> float:
    """Return the 99th percentile of *seconds*, in milliseconds."""
    return quantiles(seconds, n=100)[98] * 1000
