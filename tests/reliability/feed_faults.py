"""Followers of the change feed, which leave at random while what they follow is killed."""

import json
import random
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import httpx2
import psycopg

from app.event_store.log_range import head_position
from tests.reliability.client import NO_TLS, WORKSPACES
from tests.reliability.experiment import Experiment, Outcome, run_experiment
from tests.reliability.fault import Fault
from tests.reliability.worker_faults import kill_one

WRITERS = 16
WRITES_BETWEEN = 30  # acknowledged writes
PATIENCE = 120.0  # seconds for a follower to reach the end of the log, on a busy machine
RETRY_DELAY = 0.1  # seconds
FEED = "/en/api/integration-changes"
INVARIANT = "the feed brings each change of a workspace once and in order"
END_CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'integrations_recorder'
"""
POSITIONS = """
SELECT position FROM integrations.events
WHERE workspace_id = %s AND position <= %s ORDER BY position
"""


class FeedFollower:
    """Follows the feed of one workspace, by requests or by streams, from its first change on."""

    def __init__(self, experiment: Experiment, workspace: str, *, streams: bool) -> None:
        self.workspace = workspace
        self.positions: list[int] = []
        self.foreign = self.reconnects = 0
        self.target: int | None = None
        self._streams = streams
        self._after = 0
        self._random = random.Random(f"{workspace} {streams}")  # noqa: S311 — no secret
        self._stopping = Event()
        token = experiment.service.token(workspace)
        self._client = httpx2.Client(
            base_url=experiment.service.address,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            verify=NO_TLS,
            trust_env=False,
        )
        self.thread = Thread(target=self._run, daemon=True)

    def has_reached(self) -> bool:
        """Return whether it has seen the log up to the target."""
        return self.target is not None and self._after >= self.target

    def end(self) -> None:
        """Stop it."""
        self._stopping.set()
        self.thread.join(PATIENCE)
        self._client.close()

    def _run(self) -> None:
        while not (self._stopping.is_set() or self.has_reached()):
            self.reconnects += 1
            try:
                (self._stream if self._streams else self._request)()
            except httpx2.TransportError:
                time.sleep(RETRY_DELAY)

    def _request(self) -> None:
        query = {"after": self._after, "wait": 2, "limit": self._random.choice([1, 7, 500])}
        answer = self._client.get(FEED, params=query)
        if answer.status_code != 200:
            time.sleep(RETRY_DELAY)
            return
        result = answer.json()["result"]
        for change in result["data"]:
            self._take(change)
        self._after = result["after"]

    def _stream(self) -> None:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self._after)}
        leaves_after = self._random.choice([1, 5, 40, 10_000])
        with self._client.stream("GET", FEED, headers=headers) as answer:
            if answer.status_code != 200:
                time.sleep(RETRY_DELAY)
                return
            for number, block in enumerate(blocks(answer.iter_lines())):
                self._take_block(block)
                if number >= leaves_after or self.has_reached() or self._stopping.is_set():
                    return

    def _take_block(self, block: dict[str, str]) -> None:
        if block.get("event") == "change":
            self._take(json.loads(block["data"]))
        if position := block.get("id", block.get("")):
            self._after = int(position)

    def _take(self, change: dict[str, Any]) -> None:
        self.positions.append(int(change["id"]))
        self.foreign += change["source"] != f"/workspaces/{self.workspace}/integrations"


def blocks(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """Yield what stands between two empty lines, by the names of its fields; "" is a comment."""
    block: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            block[name] = value.strip()
        else:
            yield block
            block = {}


@contextmanager
def followers(experiment: Experiment) -> Generator[list[FeedFollower]]:
    """Follow the feed of each workspace in both ways while the block runs."""
    every = [
        FeedFollower(experiment, workspace, streams=streams)
        for workspace in WORKSPACES
        for streams in (False, True)
    ]
    for follower in every:
        follower.thread.start()
    try:
        yield every
    finally:
        for follower in every:
            follower.end()


def follow_changes(rounds: int) -> Outcome:
    """Kill a worker, the feeds' connections and PostgreSQL while followers come and go."""
    with run_experiment(workers=2, clients=WRITERS) as experiment:
        with followers(experiment) as every:
            for _ in range(rounds):
                experiment.load.acknowledge(WRITES_BETWEEN)
                kill_one(experiment)
                experiment.load.acknowledge(WRITES_BETWEEN)
                with psycopg.connect(experiment.dsn, autocommit=True) as connection:
                    connection.execute(END_CONNECTIONS)
                experiment.load.acknowledge(WRITES_BETWEEN)
                experiment.server.kill_all()
                experiment.server.start()
            experiment.load.acknowledge(WRITES_BETWEEN)
            experiment.load.end()
            require_all_seen(experiment, every)
        experiment.record("kills of each", rounds)
        experiment.record("changes seen", sum(len(each.positions) for each in every))
        experiment.record("reconnects", sum(each.reconnects for each in every))
    return experiment.outcome


def require_all_seen(experiment: Experiment, every: list[FeedFollower]) -> None:
    """Report what a follower has not seen, or not once and in order."""
    with psycopg.connect(experiment.dsn, autocommit=True) as connection:
        head = head_position(connection)
        for follower in every:
            follower.target = head
        deadline = time.monotonic() + PATIENCE
        for follower in every:
            follower.thread.join(max(0.0, deadline - time.monotonic()))
            rows = connection.execute(POSITIONS, (follower.workspace, head)).fetchall()
            expected = [position for (position,) in rows]
            if follower.positions != expected or follower.foreign or not expected:
                report(experiment, follower, expected)


def report(experiment: Experiment, follower: FeedFollower, expected: list[int]) -> None:
    """Report in what way *follower* did not see what it should."""
    seen = follower.positions
    missing = sorted(set(expected) - set(seen))[:5]
    how = (
        f"{follower.workspace}: {len(seen)} of {len(expected)} changes, missing {missing},"
        f" {len(seen) - len(set(seen))} twice, {follower.foreign} of others"
    )
    experiment.report(INVARIANT, how)


FAULTS = [
    Fault(
        "feed",
        "followers of the change feed leave at random; kill -9 of a worker, of their connections"
        " and of PostgreSQL",
        follow_changes,
    ),
]
