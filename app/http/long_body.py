"""Lets a client finish a body that is refused unread, so that it gets to read the answer.

A connection that is closed while its client still sends is reset, and many clients then report
a broken pipe instead of the answer.
"""

import asyncio
from contextlib import suppress
from typing import Any

LIMIT = 16 * 1024 * 1024  # bytes that are read and dropped
PATIENCE = 5.0  # seconds
SMALL = 64 * 1024  # bytes that the system's buffers take at once
ASGI = Any  # each library types scopes and messages in its own way


def reading_to_the_end(scope: ASGI, receive: ASGI, send: ASGI) -> tuple[ASGI, ASGI]:
    """Return *receive* and *send*, joined where the body of *scope* may be long."""
    if not may_be_long(scope):
        return receive, send
    body = LongBody(receive, send)
    return body.receive, body.send


def may_be_long(scope: ASGI) -> bool:
    """Tell whether the body is long, or does not say how long it is."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return not value.isdigit() or int(value) > SMALL
        if name == b"transfer-encoding":
            return True
    return False


class LongBody:
    """A body that is read on to its end before anything is answered."""

    def __init__(self, receive: ASGI, send: ASGI) -> None:
        self._receive = receive
        self._send = send
        self._ended = False

    async def receive(self) -> ASGI:
        """Return the next part of the body."""
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        return message

    async def send(self, message: ASGI) -> None:
        """Send *message* once the client has sent all, or too much, or for too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._drain()
        await self._send(message)

    async def _drain(self) -> None:
        dropped = 0
        while not self._ended and dropped < LIMIT:
            message = await self.receive()
            dropped += len(message.get("body", b""))
        self._ended = True
