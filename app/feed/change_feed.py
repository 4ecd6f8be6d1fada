"""Follows the log in this process, and wakes the requests that wait for a change.

One poll serves all: while somebody waits it runs every 20 ms, and the newest events stay in
memory. A waiting request holds a position, not a queue: a slow reader gets older events from the
log.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import cached_property
from itertools import takewhile

import structlog
from msgspec import Struct

from app.batching import Batcher
from app.database.availability import UnavailableError, translate_unavailable
from app.event_store.codec import decode_recorded
from app.event_store.log_range import LogCorruptedError, LogRange
from app.event_store.reader import LogReader
from app.event_store.recorder import unpack_notification
from app.event_store.subscription import BATCH_SIZE, PollingSubscription
from app.feed.change import encode_change
from app.keyed_lock import KeyedLock

POLL_INTERVAL = 0.02  # seconds between two polls while somebody waits: what a change takes at most
IDLE_POLL_INTERVAL = 1.0  # seconds while nobody waits, so that there is never much to catch up
RETRY_DELAY = 0.25  # seconds until the next poll while the database is away
MAX_RECENT = 512  # events in memory
MAX_CLIENTS = 100  # of a workspace that wait at once, streams included
MAX_ALL_CLIENTS = 600  # of all workspaces; other requests need connections, too
PAGE_CONCURRENCY = 2  # pages that are read from the log at a time
Subscribe = Callable[[int], AbstractContextManager[PollingSubscription]]
log = structlog.get_logger("feed")


class RecentEvent:
    """An event in memory, encoded for the feed once somebody wants it."""

    def __init__(self, position: int, workspace: str, envelope: bytes) -> None:
        self.position = position
        self.workspace = workspace
        self._envelope = envelope

    @cached_property
    def change(self) -> bytes:
        """The CloudEvent."""
        return encode_change(decode_recorded(self.position, self._envelope))


class Page(Struct, frozen=True):
    """Changes of a workspace with their positions, the oldest first.

    `after` is the position up to which the log was read; `more` says whether there are more
    changes after it already.
    """

    changes: Sequence[tuple[int, bytes]]
    after: int
    more: bool = False


class ChangeFeed:
    """The feed of one process; *subscribe* opens a subscription after a position.

    Nothing is left out: positions are without gaps and in the order of commits, so all up to
    `position` was seen, and a position that is missing stops the feed. `clients` and
    `all_clients` limit those of a workspace, and all, that wait; `streams` counts open streams.
    """

    def __init__(self, reader: LogReader, subscribe: Subscribe) -> None:
        self.position = 0
        self.streams = 0
        self.clients = KeyedLock(MAX_CLIENTS)
        self.all_clients = KeyedLock(MAX_ALL_CLIENTS)
        self.is_stopping = False
        self._reader = reader
        self._subscribe = subscribe
        self._opened = ExitStack()
        self._following: PollingSubscription | None = None
        self._has_failed = False
        self._recent: deque[RecentEvent] = deque(maxlen=MAX_RECENT)
        self._waiting: dict[str, set[asyncio.Future[int]]] = {}
        self._wanted = asyncio.Event()
        self._polls: Batcher[None, int] = Batcher(self._poll_for_all)
        self._pages: Batcher[tuple[LogRange, int], Sequence[tuple[int, bytes]]] = Batcher(
            self._read_page, max_batch=1, concurrency=PAGE_CONCURRENCY
        )

    async def run(self) -> None:
        """Follow the log until cancelled, or until a position is missing."""
        with self._opened:
            self._opened.callback(self.stop)
            while not self._has_failed:
                try:
                    await self.refresh()
                except UnavailableError:
                    await asyncio.sleep(RETRY_DELAY)
                else:
                    await self._rest()

    def stop(self) -> None:
        """End all waiting, so that streams end and requests are answered."""
        self.is_stopping = True
        self._wake(list(self._waiting), self.position)

    async def refresh(self) -> int:
        """Return the last position of the log, which was read after this was called.

        Raises:
            UnavailableError: the database is away, or the feed has stopped.
        """
        with translate_unavailable():
            return await self._polls.submit(None)

    async def next_page(self, workspace: str, after: int, limit: int, seconds: float) -> Page:
        """Return at most *limit* changes after the position *after*, once there are any.

        After *seconds*, or when the service stops, it returns a page without changes.

        Raises:
            UnavailableError: the database is away, or the feed has stopped.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            page = await self._page(workspace, after, limit)
            after, left = page.after, deadline - loop.time()
            if page.changes or left <= 0 or self.is_stopping:
                return page
            if after >= self.position:  # else there was more while a page was read
                after = max(after, await self._wait(workspace, left))

    async def _page(self, workspace: str, after: int, limit: int) -> Page:
        """Return what there is; without a pause since then if there is nothing new."""
        if self._has_failed:
            raise UnavailableError
        until = self.position
        oldest = self._recent[0].position - 1 if self._recent else until
        if after >= oldest:
            newer = takewhile(lambda event: event.position > after, reversed(self._recent))
            kept = [event for event in newer if event.workspace == workspace]
            found = [(event.position, event.change) for event in reversed(kept[-limit - 1 :])]
        else:
            part = LogRange(after=after, to=until, workspace=workspace)
            with translate_unavailable():
                found = await self._pages.submit((part, limit + 1))
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1][0], more=True)
        return Page(found, max(after, until))

    async def _wait(self, workspace: str, seconds: float) -> int:
        """Wait for a change of *workspace*; return a position up to which there was none."""
        woken: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace, set()).add(woken)
        self._wanted.set()
        try:
            await asyncio.wait((woken,), timeout=seconds)
            return woken.result() if woken.done() else self.position
        finally:
            others = self._waiting.get(workspace, set())
            others.discard(woken)
            if not others:
                self._waiting.pop(workspace, None)

    def _wake(self, workspaces: Sequence[str], position: int) -> None:
        for workspace in workspaces:
            for woken in self._waiting.pop(workspace, ()):
                if not woken.done():
                    woken.set_result(position)

    async def _rest(self) -> None:
        if self._waiting:
            await asyncio.sleep(POLL_INTERVAL)
            return
        self._wanted.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), IDLE_POLL_INTERVAL)

    async def _poll_for_all(self, calls: Sequence[None]) -> Sequence[int]:
        try:
            await self._poll()
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 — of any kind: changes would be left out from here on
            if not self.is_stopping:  # which closes the connection
                self._fail(error)
            raise UnavailableError from None
        return [self.position] * len(calls)

    async def _poll(self) -> None:
        if self._has_failed:
            raise UnavailableError
        if self._following is None:
            self.position = await self._reader.head()
            self._following = self._opened.enter_context(self._subscribe(self.position))
        is_full = True
        while is_full:
            events = await asyncio.to_thread(self._following.poll)
            if self._following.failures:
                raise UnavailableError
            before, new = self.position, [RecentEvent(*unpack_notification(e)) for e in events]
            self._recent.extend(new)
            self.position = new[-1].position if new else before
            self._wake([w for w in {e.workspace for e in new} if w in self._waiting], before)
            is_full = len(new) == BATCH_SIZE

    def _fail(self, error: Exception) -> None:
        self._has_failed = True
        log.critical(
            "FEED STOPPED: no change is reported any more; run `integrations verify`",
            reason=str(error) if isinstance(error, LogCorruptedError) else "",
            exc_info=error,
        )

    async def _read_page(
        self, requests: Sequence[tuple[LogRange, int]]
    ) -> Sequence[Sequence[tuple[int, bytes]]]:
        [(part, limit)] = requests
        events = await self._reader.read_page(part, limit)
        return [[(event.position, encode_change(event)) for event in events]]
