"""Rebuilds while others write, and rebuilds that are killed."""

import asyncio
import time
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuild.conftest import Command, Live, Views


async def test_writes_go_on_during_rebuilds_and_none_fails(
    live: "Live", command: "Command", views: "Views"
) -> None:
    await live(0, 100)
    running = await asyncio.create_subprocess_exec(*command("rebuild"))
    writers = asyncio.gather(*(live(seed, 400) for seed in range(1, 5)))
    status, _ = await asyncio.gather(running.wait(), writers)

    assert status == 0
    assert not views.check().differs


async def test_killed_at_any_moment_it_leaves_the_old_views_and_simply_runs_again(
    live: "Live", command: "Command", views: "Views"
) -> None:
    random = Random(7)  # noqa: S311 — test data
    await live(0, 300)
    writing = asyncio.create_task(write_until_cancelled(live))
    started = time.monotonic()
    whole = await asyncio.create_subprocess_exec(*command("rebuild"))
    assert await whole.wait() == 0
    takes = time.monotonic() - started

    for _ in range(10):
        running = await asyncio.create_subprocess_exec(*command("rebuild"))
        await asyncio.sleep(takes * random.uniform(0.3, 1.1))
        if running.returncode is None:
            running.kill()
        await running.wait()
        assert views.admin.execute("SELECT count(*) FROM integrations.integration_view").fetchone()

    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await finished(command("rebuild"))
    assert not views.check().differs
    leftover = "SELECT relname FROM pg_class WHERE relname ~ '_v[0-9]+$'"
    assert views.admin.execute(leftover).fetchall() == []


async def write_until_cancelled(live: "Live") -> None:
    """Write, a little at a time."""
    seed = 100
    while True:
        await live(seed, 20)
        seed += 1


async def finished(command: Sequence[str]) -> None:
    """Run *command* to a good end; a killed one's connections are noticed within a second."""
    error = b"not run"
    for _ in range(50):
        running = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, error = await running.communicate()
        if running.returncode == 0:
            return
        assert b"is running already" in error
        await asyncio.sleep(0.2)
    raise AssertionError(error)
