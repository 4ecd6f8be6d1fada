"""A proxy between the service and its database: it delays, stalls, resets, and loses replies."""

import asyncio
import socket
import struct
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from psycopg.conninfo import conninfo_to_dict, make_conninfo

RESET = struct.pack("ii", 1, 0)  # for SO_LINGER: closing sends RST
POLL_INTERVAL = 0.01  # seconds
APPEND_MARKER = b'"envelope":'  # stands in what integrations.record is called with


class Proxy:
    """Listens on a port of this machine; each connection is one to the server's Unix socket.

    A fault sets `delay`, the seconds that each response takes longer, `stalled`, to forward
    nothing, and `lose_reply_to`, to cut the connection of the next append whose parameters contain
    these bytes when its reply comes: by then it has committed. `lost_replies` counts these.
    """

    def __init__(self) -> None:
        self.delay = 0.0
        self.stalled = False
        self.lose_reply_to: bytes | None = None
        self.lost_replies = 0
        self._server_socket = ""
        self._clients: set[asyncio.StreamWriter] = set()
        self._listening = Event()
        self._stopping = asyncio.Event()

    @contextmanager
    def open(self, dsn: str) -> Generator[str]:
        """Yield *dsn*, which is a Unix socket, through the proxy."""
        direct = conninfo_to_dict(dsn)
        direct.pop("requirepeer", None)
        self._server_socket = f"{direct['host']}/.s.PGSQL.{direct.get('port', '5432')}"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = Thread(target=asyncio.run, args=[self._listen(listener)], daemon=True)
            thread.start()
            self._listening.wait()
            port = listener.getsockname()[1]
            try:
                yield make_conninfo("", **direct | {"host": "127.0.0.1", "port": str(port)})
            finally:
                self._loop.call_soon_threadsafe(self._stopping.set)
                thread.join(5)

    def reset_all(self) -> int:
        """Reset every connection that is open now; return how many."""
        clients = [*self._clients]
        for client in clients:
            self._loop.call_soon_threadsafe(reset, client)
        return len(clients)

    async def _listen(self, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening.set()
        async with await asyncio.start_server(self._serve, sock=listener):
            await self._stopping.wait()

    async def _serve(self, up: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._clients.add(client)
        flow = ProxiedConnection(self, client)
        with suppress(OSError, asyncio.CancelledError):
            down, server = await asyncio.open_unix_connection(self._server_socket)
            flow.server = server
            await asyncio.gather(flow.forward_requests(up, server), flow.forward_responses(down))
        flow.close()
        self._clients.discard(client)


class ProxiedConnection:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.is_append = False

    async def forward_requests(
        self, up: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        """Forward what the service sends."""
        while sent := await up.read(65536):
            await self._while_stalled()
            self.is_append |= (
                self.proxy.lose_reply_to is not None and self.proxy.lose_reply_to in sent
            )
            server.write(sent)
            await server.drain()
        self.close()

    async def forward_responses(self, down: asyncio.StreamReader) -> None:
        """Forward what the server sends, unless it is a reply to lose."""
        while answered := await down.read(65536):
            await asyncio.sleep(self.proxy.delay)
            await self._while_stalled()
            if self.is_append and self.proxy.lose_reply_to is not None:
                self.proxy.lose_reply_to = None
                self.proxy.lost_replies += 1
                break
            self.client.write(answered)
            await self.client.drain()
        self.close()

    async def _while_stalled(self) -> None:
        while self.proxy.stalled:  # noqa: ASYNC110 — it is set in another thread
            await asyncio.sleep(POLL_INTERVAL)

    def close(self) -> None:
        """Close both ends."""
        for end in (self.client, self.server):
            if end is not None:
                end.close()


def reset(client: asyncio.StreamWriter) -> None:
    """Close the connection with a RST in place of a FIN."""
    raw = client.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.transport.abort()


def lose_one_reply(proxy: Proxy, within: float = 60.0) -> bool:
    """Lose the reply to the next append; return whether one was lost in time."""
    before, deadline = proxy.lost_replies, time.monotonic() + within
    proxy.lose_reply_to = APPEND_MARKER
    while proxy.lost_replies == before and time.monotonic() < deadline:
        time.sleep(POLL_INTERVAL)
    return proxy.lost_replies > before
