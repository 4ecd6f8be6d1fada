"""Follows the service's change feed, so that a lease ends when what it is of changes."""

import asyncio
import logging
import random

from integrations_client.errors import ServiceError
from integrations_client.held import HeldLeases
from integrations_client.json_values import Json, as_list, as_object
from integrations_client.service import Service

WAIT_SECONDS = 25  # that the service holds a request for which there is nothing yet
REQUEST_TIMEOUT = WAIT_SECONDS + 10.0
LIMIT = 500  # changes in a response
FIRST_DELAY = 0.1  # seconds; doubled for each failure
MAX_DELAY = 1.0  # seconds: after an outage a change is noticed within about this
BAD_REQUEST = 400
IGNORED = "integrations.CredentialsChecked.v1"  # it changes nothing that is leased
log = logging.getLogger("integrations_client")


class Watcher:
    """Asks for the next changes, again and again, from where it was.

    A position that the service does not know, as after a restore, ends all leases. While the feed
    does not answer, leases last until their end, as without a watcher.
    """

    def __init__(self, service: Service, url: str, held: HeldLeases) -> None:
        self._service = service
        self._url = url
        self._held = held
        self._after: int | None = None
        self.has_started = asyncio.Event()

    async def run(self) -> None:
        """Follow the feed until cancelled."""
        failures = 0
        while True:
            try:
                await self._take_page()
                failures = 0
            except Exception as error:  # noqa: BLE001 — a token's callable may fail in any way
                if isinstance(error, ServiceError) and error.status == BAD_REQUEST:
                    self._after = None
                failures += 1
                if failures == 1:
                    log.warning("no change feed: leases last until their end (%s)", error)
                self.has_started.set()
                delay = min(FIRST_DELAY * 2 ** min(failures, 5), MAX_DELAY)
                await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 — so that many workers do not come at once

    async def _take_page(self) -> None:
        """Take the next changes; the first time, only where the log is now.

        What was leased before that is not known to be newer, so it ends.
        """
        start = self._after is None
        params = {} if start else {"after": self._after, "wait": WAIT_SECONDS, "limit": LIMIT}
        result = await self._service.send("GET", self._url, params=params, timeout=REQUEST_TIMEOUT)
        if start:
            self._held.forget()
        for change in as_list(result.get("data")):
            self._take(as_object(change))
        after = result.get("after")
        self._after = after if isinstance(after, int) else None
        self.has_started.set()

    def _take(self, change: Json) -> None:
        """Drop the leases that *change*, a CloudEvent, has overtaken."""
        subject, version = str(change.get("subject")), as_object(change.get("data")).get("version")
        kind, _, channel = subject.partition("/")
        if kind == "channel":
            self._held.drop(("channel", channel))
        elif change.get("type") != IGNORED and isinstance(version, int):
            self._held.see(subject, version)
