"""A request with an idempotency key renders its response once, and sends the bytes it stored."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.command_handler import CommandHandler, CommandRequest, PreparedCommand
from app.http import idempotency
from app.http.idempotency import execute_or_replay
from app.http.responses import RawResponse, RenderedResponse
from app.secrets.keyring_file import FileKeyring, new_kek
from domain.envelope import Actor, EventMetadata
from domain.integration import CreateIntegration
from projections.integration_view import IntegrationRow
from tests.support.in_memory_log import InMemoryEventLog

COMMAND = CommandRequest(
    workspace="demo",
    stream="int_1",
    metadata=EventMetadata(actor=Actor(sub="user-1")),
    command=PreparedCommand(CreateIntegration(name="Mail", type="SENDGRID", channel="EMAIL")),
)


class Request:
    """What `execute_or_replay` needs of a request."""

    app, method, scope = None, "POST", {"path": "/"}
    user = SimpleNamespace(workspace="demo")

    async def body(self) -> bytes:
        """Return the body."""
        return b"{}"


async def test_the_response_is_rendered_once_and_sent_as_it_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = InMemoryEventLog()
    dependencies = SimpleNamespace(
        command_handler=CommandHandler(log, lambda: datetime.now(UTC)),
        keyring=FileKeyring([new_kek(epoch=1)]),
        stored_responses=SimpleNamespace(over_quota=frozenset[str]()),
    )
    monkeypatch.setattr(
        idempotency, "get_dependencies", dict[object, object]({None: dependencies}).__getitem__
    )
    rendered: list[RenderedResponse] = []

    def render(row: IntegrationRow | None) -> RenderedResponse:
        assert row is not None
        rendered.append(RenderedResponse(201, b"%d" % (len(rendered) + 1), {"ETag": "1"}))
        return rendered[-1]

    request = cast("Any", Request())
    first = cast("RawResponse", await execute_or_replay(request, COMMAND, render, "key-1"))
    again = cast("RawResponse", await execute_or_replay(request, COMMAND, render, "key-1"))

    stored = await log.stored_response("demo", "key-1")
    assert stored is not None
    assert len(rendered) == 1
    assert (first.rendered.body, again.rendered.body) == (stored.body, stored.body)
    assert again.rendered.headers["Idempotency-Replayed"] == "true"
