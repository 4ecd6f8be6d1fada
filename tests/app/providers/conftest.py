"""Providers as they come: scripted ones, misbehaving ones, and keys of a service account."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from app.providers.check import CheckResult, CredentialChecker
from app.providers.http_client import ProviderClient
from app.providers.provider_file import ProviderFile
from app.providers.registry import load_providers
from app.secrets.secret import Secret

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Values = dict[str, Secret]
SEVENTH = Path(__file__).parents[2] / "providers"


@pytest.fixture(scope="session")
def providers() -> Mapping[str, ProviderFile]:
    return load_providers()


@pytest.fixture(scope="session")
def postmark() -> ProviderFile:
    """A seventh provider, by one file and no code."""
    return load_providers([SEVENTH])["POSTMARK"]


@pytest.fixture(scope="session")
def client() -> ProviderClient:
    return ProviderClient()


@pytest.fixture(scope="session")
def checker_at(
    providers: Mapping[str, ProviderFile], client: ProviderClient
) -> Callable[..., CredentialChecker]:
    """Return a checker that asks one address in place of every provider: `checker_at(url)`."""

    def make(url: str, deadline: float = 5.0) -> CredentialChecker:
        return CredentialChecker(providers, client, dict.fromkeys(providers, url), deadline)

    return make


@pytest.fixture(scope="session")
def provider_that() -> Callable[[Behaviour], AbstractAsyncContextManager[str]]:
    """Serve each connection by a behaviour: `async with provider_that(behaves) as url`."""
    return serving


@asynccontextmanager
async def serving(behave: Behaviour) -> AsyncGenerator[str]:
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await behave(reader, writer)
        except (ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass  # the checker has hung up, or the test is over
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1")
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()


class Script:
    """A provider that answers what it was told to, and remembers what it was asked."""

    checker: CredentialChecker
    url: str
    last: tuple[int, object]

    def __init__(self, credentials: Mapping[str, Values]) -> None:
        self.credentials = credentials
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[tuple[int, object]] = []

    async def check(
        self, type_: str, *answers: tuple[int, object], values: Values | None = None
    ) -> CheckResult:
        """Check well-formed credentials, or *values*, of a type; this is what is answered.

        The last answer is that of all further regions.
        """
        self.answers = [*answers]
        given = self.credentials[type_] if values is None else values
        return await self.checker.check(type_, given)

    async def behave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")[:-2]
        headers = {n.lower(): v for n, v in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((first.removesuffix(" HTTP/1.1"), headers, body))
        if self.answers:
            self.last = self.answers.pop(0)
        status, content = self.last
        raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        writer.write(f"HTTP/1.1 {status} S\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw)
        await writer.drain()


@pytest.fixture
async def script(
    checker_at: Callable[..., CredentialChecker], credentials: dict[str, Values]
) -> AsyncGenerator[Script]:
    """A provider that follows a script, asked in place of every provider."""
    script = Script(credentials)
    async with serving(script.behave) as url:
        script.url, script.checker = url, checker_at(url)
        yield script


@pytest.fixture(scope="session")
def credentials(service_account: dict[str, str]) -> dict[str, Values]:
    """Well-formed credentials for each type that is asked."""
    texts = {
        "SENDGRID": {"apiKey": "SG." + "a" * 22 + "." + "b" * 43},
        "ELASTIC_EMAIL": {"apiKey": "AB" * 48},
        "TWILIO": {"apiKey": "AC" + "0" * 32, "apiSecret": "1" * 32},
        "NEXMO": {"apiKey": "abcd1234", "apiSecret": "ABCDEFGH01234abc"},
        "FIREBASE_FCM": {"apiKey": json.dumps(service_account)},
    }
    return {
        type_: {name: Secret(text.encode()) for name, text in fields.items()}
        for type_, fields in texts.items()
    }
