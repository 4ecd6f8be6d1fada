"""The load: clients that write and read all along, go on through outages, and write a ledger."""

import asyncio
import random
import ssl
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread

import httpx2
import msgspec
from msgspec import Struct

from tests.reliability.canaries import Mark
from tests.reliability.ledger import Asked, Ledger, What
from tests.reliability.requests import Requests
from tests.reliability.stage import Stage

WORKSPACES = ("alfa", "bravo", "charlie", "delta", "echo")
CLIENTS = 8
PAUSE = 0.004  # seconds between two requests of a client
AFTER_FAILURE = 0.05  # seconds, before a client asks again
ANSWER_WITHIN = 15.0  # seconds that a client waits for an answer
RESOLVING = 60.0  # seconds in which repeating a key must settle what is unknown
UNSETTLED = {409, 429, 503}
"""The first request still runs, too many, unavailable: ask again, under the same key."""
EXPECTED = {200, 201, 404}
NEW_CONNECTIONS = 0.1  # of all writes
READS = 0.15  # of all requests
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loads no certificates, which takes long
KINDS: Sequence[What] = ("create", "toggle", "rename", "credentials", "delete")
SHARES = (20, 30, 25, 15, 10)  # of each of them, in percent


class Row(Struct):
    """What a list shows of one integration, as far as it matters here."""

    id: str
    name: str
    workspaceId: str  # noqa: N815 — the API's name
    isActive: bool  # noqa: N815 — the API's name


class Listed(Struct):
    """The member `result` of a list."""

    data: list[Row]


class List(Struct):
    """The answer to a list."""

    result: Listed


class Shared(Struct):
    """What the clients of a load have in common."""

    address: str
    tokens: Mapping[str, str]
    ledger: Ledger
    mark: Mark
    requests: Requests
    leaving: Event
    failed: Event


class Client:
    """One client of one workspace: its requests go one after the other, on one connection."""

    def __init__(self, number: int, shared: Shared) -> None:
        self.number = number
        self.reads = count(1)
        self.workspace = WORKSPACES[number % len(WORKSPACES)]
        self.shared = shared
        self.ledger = shared.ledger
        self.random = random.Random(number)  # noqa: S311 — no secret
        self.unsettled: list[Asked] = []

    async def run(self) -> None:
        """Ask until told to leave; then repeat what is unsettled until it is settled."""
        headers = {"Authorization": f"Bearer {self.shared.tokens[self.workspace]}"}
        async with httpx2.AsyncClient(
            base_url=self.shared.address,
            headers=headers,
            timeout=ANSWER_WITHIN,
            verify=NO_TLS,
            trust_env=False,
        ) as http:
            while not self.shared.leaving.is_set():
                await self._ask_something(http)
                await asyncio.sleep(PAUSE)
            deadline, failed = time.monotonic() + RESOLVING, self.shared.failed
            while self.unsettled and time.monotonic() < deadline and not failed.is_set():
                await self._attempt(http, self.unsettled.pop(0))

    async def _ask_something(self, http: httpx2.AsyncClient) -> None:
        if self.random.random() < READS:
            await self._read(http)
        elif self.unsettled and self.random.random() < 0.5:
            await self._attempt(http, self.unsettled.pop(0))
        else:
            await self._write(http)

    async def _write(self, http: httpx2.AsyncClient) -> None:
        what = self.random.choices(KINDS, SHARES)[0]
        asked = self.shared.requests.new(what, self.workspace, self.random)
        self.ledger.asked.append(asked)
        await self._attempt(http, asked)
        if asked.key and asked.outcome == "acknowledged":
            await self._repeat(http, asked)

    async def _attempt(self, http: httpx2.AsyncClient, asked: Asked) -> None:
        answer = await self._send(http, asked)
        if answer is not None and answer.status_code not in UNSETTLED:
            asked.settle(answer.status_code, version_in(answer), answer.content)
            self.shared.requests.learn(asked, answer.headers.get("location"))
            if asked.outcome == "acknowledged":
                self.ledger.acknowledge(time.monotonic())
        else:
            if asked.key:
                self.unsettled.append(asked)
            await asyncio.sleep(AFTER_FAILURE)

    async def _repeat(self, http: httpx2.AsyncClient, asked: Asked) -> None:
        """Ask once more under a key that was answered: the same answer must come."""
        answer = await self._send(http, asked)
        if answer is None or answer.status_code in UNSETTLED:
            return
        if (answer.status_code, answer.content) != (asked.status, asked.body):
            detail = f"{asked.what} {asked.number}: {asked.status}, then {answer.status_code}"
            self.ledger.complain("a repeated key gets the first answer", detail)

    async def _send(self, http: httpx2.AsyncClient, asked: Asked) -> httpx2.Response | None:
        asked.request_ids.append(f"r{asked.number}-{len(asked.request_ids)}")
        headers = {"X-Request-Id": asked.request_ids[-1], **self._perhaps_leaving()}
        if asked.key:
            headers["Idempotency-Key"] = asked.key
        return await self._hear(
            http, http.build_request(asked.method, asked.path, json=asked.json, headers=headers)
        )

    def _perhaps_leaving(self) -> dict[str, str]:
        """Now and then take a new connection, which may lead to another worker."""
        return {"Connection": "close"} if self.random.random() < NEW_CONNECTIONS else {}

    async def _read(self, http: httpx2.AsyncClient) -> None:
        headers = {"X-Request-Id": f"g{self.number}-{next(self.reads)}"}
        request = http.build_request("GET", "/en/api/integration", headers=headers)
        answer = await self._hear(http, request)
        if answer is None or answer.status_code != 200:
            await asyncio.sleep(AFTER_FAILURE)
            return
        for row in msgspec.json.decode(answer.content, type=List).result.data:
            if row.workspaceId != self.workspace or not row.name.startswith(self.workspace):
                self.ledger.complain("no foreign rows", f"{row.id} is shown to {self.workspace}")

    async def _hear(
        self, http: httpx2.AsyncClient, request: httpx2.Request
    ) -> httpx2.Response | None:
        """Return the answer, None where there is none; look at what any answer must be."""
        began = time.monotonic()
        try:
            answer = await http.send(request)
        except httpx2.TransportError as error:
            self.ledger.statuses[type(error).__name__] += 1
            return None
        finally:
            took = time.monotonic() - began
            self.ledger.longest_answer = max(self.ledger.longest_answer, took)
        self.ledger.statuses[str(answer.status_code)] += 1
        self.ledger.answered.add(request.headers["X-Request-Id"])
        self._look_at(answer)
        return answer

    def _look_at(self, answer: httpx2.Response) -> None:
        status = answer.status_code
        if status not in EXPECTED | UNSETTLED:
            self.ledger.complain("nothing fails but with 503", f"{status}: {answer.text[:200]}")
        if status == 503 and "retry-after" not in answer.headers:
            self.ledger.complain("nothing fails but with 503", "a 503 without Retry-After")
        if self.shared.mark.stands_in(answer.content):
            self.ledger.complain("no secret is anywhere", f"in an answer with {status}")


def version_in(answer: httpx2.Response) -> int | None:
    """Return the version that the ETag of *answer* tells, None where it has none."""
    tag = answer.headers.get("etag", "").strip('"')
    return int(tag) if tag.isdecimal() else None


class Load:
    """Clients at work in a thread of their own, so that a fault can look on and interfere."""

    def __init__(self, stage: Stage, mark: Mark, clients: int = CLIENTS) -> None:
        tokens = {workspace: stage.service.token(workspace) for workspace in WORKSPACES}
        self.ledger = Ledger()
        self.shared = Shared(
            stage.service.address, tokens, self.ledger, mark, Requests(mark), Event(), Event()
        )
        self.clients: Sequence[Client] = [Client(number, self.shared) for number in range(clients)]
        self.thread = Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._run_all())

    async def _run_all(self) -> None:
        await asyncio.gather(*(client.run() for client in self.clients))

    def acknowledge(self, more: int, timeout: float = 120.0) -> bool:
        """Wait until *more* writes are acknowledged; tell whether they were in time."""
        wanted = self.ledger.acknowledged + more
        deadline = time.monotonic() + timeout
        while self.ledger.acknowledged < wanted:
            if time.monotonic() > deadline:
                self.ledger.complain("writes go on", f"not {more} more in {timeout:.0f} s")
                return False
            time.sleep(0.01)
        return True

    def end(self) -> None:
        """Let the clients come to their end."""
        self.shared.leaving.set()
        if not self.shared.failed.is_set():
            self.thread.join(RESOLVING + 3 * ANSWER_WITHIN)


@contextmanager
def load(stage: Stage, mark: Mark, clients: int = CLIENTS) -> Generator[Load]:
    """Run a load while the block runs, and settle what can be settled at its end.

    Where the block fails nothing is to be settled any more, and nobody waits for the clients.
    """
    running = Load(stage, mark, clients)
    running.thread.start()
    try:
        yield running
    except BaseException:
        running.shared.failed.set()
        raise
    finally:
        running.end()
