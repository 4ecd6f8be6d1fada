"""Commands on one integration, as requests bring them to the command handler."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

from app.command_handler import (
    CommandHandler,
    CommandRequest,
    PreparedCommand,
)
from app.event_store.protocol import (
    Changeset,
    ConcurrencyError,
)
from app.event_store.snapshots import StreamState
from app.secrets.sealing import SealedSecret
from domain.envelope import Actor, EventMetadata
from domain.integration import (
    CreateIntegration,
    DeleteIntegration,
    RecordCredentialsCheck,
    ToggleIntegration,
)
from domain.message import Command
from tests.support.in_memory_log import InMemoryEventLog

ORIGIN = EventMetadata(
    actor=Actor(sub="user-1", name="Zoë"), client_address="::1", request_id="req-1"
)

CREATE = CreateIntegration(name="Mail", type="SENDGRID", channel="EMAIL")
OFF, ON = ToggleIntegration(is_active=False), ToggleIntegration(is_active=True)
DELETE = DeleteIntegration()
CHECK = RecordCredentialsCheck(outcome="ok", detail="It works", latency_ms=12)
API_KEY = SealedSecret(
    workspace="demo",
    stream="int_1",
    field="apiKey",
    version=1,
    kek="kek-1-00c0ffee",
    wrapped_key=b"wrapped",
    nonce=b"twelve bytes",
    ciphertext=b"ciphertext",
)


def asks(command: Command, *sealed: SealedSecret, stream: str = "int_1") -> CommandRequest:
    """Return the request for *command*."""
    return CommandRequest(
        workspace="demo", stream=stream, metadata=ORIGIN, command=PreparedCommand(command, sealed)
    )


def ticking() -> Callable[[], datetime]:
    """Return a clock that moves on by a second each time it is read."""
    seconds = count()
    return lambda: datetime(2026, 11, 5, 9, 0, next(seconds), tzinfo=UTC)


class Contended(InMemoryEventLog):
    """A log with one integration, in which somebody else is always faster; it counts the losses."""

    def __init__(self) -> None:
        super().__init__()
        self.appends = 0

    async def load(self, workspace: str, stream: str) -> StreamState:
        """Return the integration as it is created."""
        memory = InMemoryEventLog()
        await CommandHandler(memory, ticking()).handle(asks(CREATE))
        return await memory.load(workspace, stream)

    async def append(self, write: Changeset) -> list[int]:
        """Lose the race."""
        self.appends += 1
        assert write.envelopes
        raise ConcurrencyError
