"""One client of the load: it writes and reads, continues through outages, records its requests."""

import asyncio
import random
import ssl
import time
from collections.abc import Mapping, Sequence
from itertools import count
from threading import Event

import httpx2
import msgspec
from msgspec import Struct

from tests.reliability.request_ledger import Operation, RecordedRequest, RequestLedger
from tests.reliability.secret_markers import SecretMarker
from tests.reliability.workload import Workload

WORKSPACES = ("alfa", "bravo", "charlie", "delta", "echo")
PAUSE = 0.004  # seconds between two requests of a client
RETRY_DELAY = 0.05  # seconds before a client repeats a request
# Seconds that a client waits: what it gives up on a slow machine, the service seems to cut off.
RESPONSE_TIMEOUT = 60.0
RESOLVE_TIMEOUT = 60.0  # seconds in which repeating a key must settle what is unknown
UNSETTLED = {409, 429, 503}
"""The first request still runs, too many requests, unavailable: repeat with the same key."""
EXPECTED = {200, 201, 404}
NEW_CONNECTIONS = 0.1  # of all writes
READS = 0.15  # of all requests
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loads no certificates, which takes long
KINDS: Sequence[Operation] = ("create", "toggle", "rename", "credentials", "delete")
WEIGHTS = (20, 30, 25, 15, 10)  # of each of them, in percent


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
    """The response to a list."""

    result: Listed


class Shared(Struct):
    """What the clients of a load have in common."""

    address: str
    tokens: Mapping[str, str]
    ledger: RequestLedger
    marker: SecretMarker
    workload: Workload
    stopping: Event
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
        self.unsettled: list[RecordedRequest] = []

    async def run(self) -> None:
        """Send requests until it is stopped; then repeat those without a final response."""
        headers = {"Authorization": f"Bearer {self.shared.tokens[self.workspace]}"}
        async with httpx2.AsyncClient(
            base_url=self.shared.address,
            headers=headers,
            timeout=RESPONSE_TIMEOUT,
            verify=NO_TLS,
            trust_env=False,
        ) as http:
            while not self.shared.stopping.is_set():
                await self._send_next(http)
                await asyncio.sleep(PAUSE)
            deadline, failed = time.monotonic() + RESOLVE_TIMEOUT, self.shared.failed
            while self.unsettled and time.monotonic() < deadline and not failed.is_set():
                await self._attempt(http, self.unsettled.pop(0))

    async def _send_next(self, http: httpx2.AsyncClient) -> None:
        if self.random.random() < READS:
            await self._read(http)
        elif self.unsettled and self.random.random() < 0.5:
            await self._attempt(http, self.unsettled.pop(0))
        else:
            await self._write(http)

    async def _write(self, http: httpx2.AsyncClient) -> None:
        operation = self.random.choices(KINDS, WEIGHTS)[0]
        request = self.shared.workload.new(operation, self.workspace, self.random)
        self.ledger.requests.append(request)
        await self._attempt(http, request)
        if request.key and request.outcome == "acknowledged":
            await self._repeat(http, request)

    async def _attempt(self, http: httpx2.AsyncClient, request: RecordedRequest) -> None:
        response = await self._send(http, request)
        if response is not None and response.status_code not in UNSETTLED:
            request.settle(response.status_code, etag_version(response), response.content)
            self.shared.workload.learn(request, response.headers.get("location"))
            if request.outcome == "acknowledged":
                self.ledger.acknowledge(time.monotonic())
        else:
            if request.key:
                self.unsettled.append(request)
            await asyncio.sleep(RETRY_DELAY)

    async def _repeat(self, http: httpx2.AsyncClient, request: RecordedRequest) -> None:
        """Repeat a key that has a response: the same response must come."""
        response = await self._send(http, request)
        if response is None or response.status_code in UNSETTLED:
            return
        if (response.status_code, response.content) != (request.status, request.body):
            statuses = f"{request.status}, then {response.status_code}"
            detail = f"{request.operation} {request.number}: {statuses}"
            self.ledger.report("a repeated key gets the first answer", detail)

    async def _send(
        self, http: httpx2.AsyncClient, request: RecordedRequest
    ) -> httpx2.Response | None:
        request.request_ids.append(f"r{request.number}-{len(request.request_ids)}")
        headers = {"X-Request-Id": request.request_ids[-1], **self._maybe_close()}
        if request.key:
            headers["Idempotency-Key"] = request.key
        return await self._send_and_check(
            http,
            http.build_request(request.method, request.path, json=request.json, headers=headers),
        )

    def _maybe_close(self) -> dict[str, str]:
        """Sometimes use a new connection, which may reach another worker."""
        return {"Connection": "close"} if self.random.random() < NEW_CONNECTIONS else {}

    async def _read(self, http: httpx2.AsyncClient) -> None:
        headers = {"X-Request-Id": f"g{self.number}-{next(self.reads)}"}
        request = http.build_request("GET", "/en/api/integration", headers=headers)
        response = await self._send_and_check(http, request)
        if response is None or response.status_code != 200:
            await asyncio.sleep(RETRY_DELAY)
            return
        for row in msgspec.json.decode(response.content, type=List).result.data:
            if row.workspaceId != self.workspace or not row.name.startswith(self.workspace):
                self.ledger.report("no foreign rows", f"{row.id} is shown to {self.workspace}")

    async def _send_and_check(
        self, http: httpx2.AsyncClient, request: httpx2.Request
    ) -> httpx2.Response | None:
        """Return the response, or None; check what holds for every response."""
        began = time.monotonic()
        try:
            response = await http.send(request)
        except httpx2.TransportError as error:
            self.ledger.statuses[type(error).__name__] += 1
            return None
        finally:
            took = time.monotonic() - began
            self.ledger.slowest_response = max(self.ledger.slowest_response, took)
        self.ledger.statuses[str(response.status_code)] += 1
        self.ledger.answered.add(request.headers["X-Request-Id"])
        self._check_response(response)
        return response

    def _check_response(self, response: httpx2.Response) -> None:
        status = response.status_code
        if status not in EXPECTED | UNSETTLED:
            self.ledger.report("nothing fails but with 503", f"{status}: {response.text[:200]}")
        if status == 503 and "retry-after" not in response.headers:
            self.ledger.report("nothing fails but with 503", "a 503 without Retry-After")
        if self.shared.marker.occurs_in(response.content):
            self.ledger.report("no secret is anywhere", f"in an answer with {status}")


def etag_version(response: httpx2.Response) -> int | None:
    """Return the version in the ETag of *response*, or None."""
    tag = response.headers.get("etag", "").strip('"')
    return int(tag) if tag.isdecimal() else None
