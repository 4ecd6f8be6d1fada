"""What requests feel of a rebuild: GET and POST at a steady pace, before it and while it runs."""

import asyncio
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from statistics import quantiles

import httpx2
from msgspec import Struct

from tests.benchmarks.log.filling import PER_WORKSPACE, stream_of, workspace_of
from tests.benchmarks.log.stage import Stage, integrations

PACE = 100  # requests a second; every fourth is a POST
STEP = 0.2  # seconds
ASKED_FOR = stream_of(PER_WORKSPACE + 1)  # of workspace 1, and not deleted
BODY = {"name": "Mail", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.x"}


class Felt(Struct, frozen=True):
    """99th percentiles in milliseconds, how many requests there were, and how many failed."""

    get: float
    post: float
    requests: int
    failed: int


class Answered(Struct, frozen=True):
    """One request."""

    is_post: bool
    status: int
    seconds: float


@contextmanager
def serving(stage: Stage) -> Generator[str]:
    """Yield the address of a service on the many events."""
    with subprocess.Popen(
        integrations("serve"), env=stage.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("Listening on ").strip()
        process.terminate()


def felt_during(stage: Stage, seconds: float) -> tuple[Felt, Felt]:
    """Return what requests feel in *seconds* of quiet, and while a rebuild runs."""
    token = subprocess.run(
        integrations("token", "--workspace", workspace_of(1)),
        env=stage.environment(), capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    with serving(stage) as address:
        return asyncio.run(before_and_during(stage, address, token, seconds))


async def before_and_during(
    stage: Stage, address: str, token: str, seconds: float
) -> tuple[Felt, Felt]:
    """Ask on, first without and then with a rebuild beside it."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=30) as client:
        await paced(client, 2)
        quiet = felt(await paced(client, seconds))
        rebuild = await asyncio.create_subprocess_exec(
            *integrations("rebuild"), env=stage.environment(), stdout=subprocess.DEVNULL
        )
        answers: list[Answered] = []
        while rebuild.returncode is None:
            answers += await paced(client, STEP)
    return quiet, felt(answers)


async def paced(client: httpx2.AsyncClient, seconds: float) -> list[Answered]:
    """Send requests at PACE for *seconds*, whether or not the last ones were answered."""
    tasks: list[asyncio.Task[Answered]] = []
    started = time.perf_counter()
    for number in range(int(seconds * PACE)):
        await asyncio.sleep(max(0.0, started + number / PACE - time.perf_counter()))
        tasks.append(asyncio.create_task(asked(client, is_post=number % 4 == 0)))
    return [*await asyncio.gather(*tasks)]


async def asked(client: httpx2.AsyncClient, *, is_post: bool) -> Answered:
    """Send one request."""
    started = time.perf_counter()
    if is_post:
        answer = await client.post("/en/api/integration", json=BODY)
    else:
        answer = await client.get(f"/en/api/integration/{ASKED_FOR}")
    return Answered(is_post, answer.status_code, time.perf_counter() - started)


def felt(answers: Sequence[Answered]) -> Felt:
    """Return what *answers* felt like."""
    return Felt(
        get=percentile([a.seconds for a in answers if not a.is_post]),
        post=percentile([a.seconds for a in answers if a.is_post]),
        requests=len(answers),
        failed=sum(a.status not in {200, 201} for a in answers),
    )


def percentile(seconds: Sequence[float]) -> float:
    """Return the 99th percentile of *seconds*, in milliseconds."""
    return quantiles(seconds, n=100)[98] * 1000
