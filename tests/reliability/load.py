"""The load: clients in a thread of their own, started and stopped with a block."""

import asyncio
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from tests.reliability.client import RESOLVE_TIMEOUT, RESPONSE_TIMEOUT, WORKSPACES, Client, Shared
from tests.reliability.environment import Environment
from tests.reliability.request_ledger import RequestLedger
from tests.reliability.secret_markers import SecretMarker
from tests.reliability.workload import Workload

CLIENTS = 8


class Load:
    """Clients in a thread of their own, so that a fault can watch and interfere."""

    def __init__(
        self, environment: Environment, marker: SecretMarker, clients: int = CLIENTS
    ) -> None:
        tokens = {workspace: environment.service.token(workspace) for workspace in WORKSPACES}
        self.ledger = RequestLedger()
        self.shared = Shared(
            environment.service.address,
            tokens,
            self.ledger,
            marker,
            Workload(marker),
            Event(),
            Event(),
        )
        self.clients: Sequence[Client] = [Client(number, self.shared) for number in range(clients)]
        self.thread = Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._run_all())

    async def _run_all(self) -> None:
        await asyncio.gather(*(client.run() for client in self.clients))

    def acknowledge(self, more: int, timeout: float = 120.0) -> bool:
        """Wait until *more* writes are acknowledged; return whether they were in time."""
        wanted = self.ledger.acknowledged + more
        deadline = time.monotonic() + timeout
        while self.ledger.acknowledged < wanted:
            if time.monotonic() > deadline:
                self.ledger.report("writes continue", f"not {more} more in {timeout:.0f} s")
                return False
            time.sleep(0.01)
        return True

    def end(self) -> None:
        """Stop the clients when they have settled their requests."""
        self.shared.stopping.set()
        if not self.shared.failed.is_set():
            self.thread.join(RESOLVE_TIMEOUT + 3 * RESPONSE_TIMEOUT)


@contextmanager
def load(environment: Environment, marker: SecretMarker, clients: int = CLIENTS) -> Generator[Load]:
    """Run a load while the block runs; at its end, clients settle their open requests.

    If the block fails, it does not wait for the clients.
    """
    running = Load(environment, marker, clients)
    running.thread.start()
    try:
        yield running
    except BaseException:
        running.shared.failed.set()
        raise
    finally:
        running.end()
