"""The change feed as a stream of server-sent events: what comes, from where on, and how it ends."""

import asyncio
import json
import signal
import socket
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from msgspec import Struct

from app.settings import read_settings
from app.tokens.jwt import LEEWAY
from scripts.commands.issue_token import issue
from tests.support.service import Service, StartService

Body = dict[str, Any]
Problem = Callable[..., dict[str, Any]]
PATH = "/en/api/integration"
FEED = "/en/api/integration-changes"
STREAM = {"Accept": "text/event-stream"}
STREAMS = 200
SLOW_READERS, EVENTS = 50, 5_000
CHANGE_SIZE = 300  # bytes of one change at least
Connection = tuple[StreamReader, StreamWriter]


class Block(Struct, frozen=True):
    """What stands between two empty lines of a stream: fields by their names, comments by ""."""

    fields: dict[str, str]

    @property
    def kind(self) -> str:
        return self.fields.get("event", "comment")

    @property
    def change(self) -> dict[str, Any]:
        return json.loads(self.fields["data"])


def blocks(answer: httpx2.Response) -> Iterator[Block]:
    """Yield the blocks of the stream *answer* as they come, without the first."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        elif "retry" not in fields:
            yield Block(fields)
            fields = {}
        else:
            fields = {}


@contextmanager
def stream(client: httpx2.Client, **options: Any) -> Generator[Iterator[Block]]:
    headers = {**STREAM, **options.pop("headers", {})}
    with client.stream("GET", FEED, headers=headers, timeout=60, **options) as answer:
        assert answer.status_code == 200
        yield blocks(answer)


def next_change(coming: Iterator[Block]) -> dict[str, Any]:
    for block in coming:
        if block.kind != "comment":
            assert block.kind == "change", block
            return block.change
    raise AssertionError


def created(client: httpx2.Client, body: Body) -> str:
    return client.post(PATH, json=body).json()["result"]["data"]["id"]


def toggle(client: httpx2.Client, integration: str, *, on: bool) -> None:
    assert client.post(f"{PATH}/{integration}/toggle", json={"isActive": on}).status_code == 200


def head(client: httpx2.Client) -> int:
    return client.get(FEED).json()["result"]["after"]


# ----- What comes -----
def test_a_stream_brings_the_same_changes_as_requests_do(client: httpx2.Client, body: Body) -> None:
    with stream(client) as coming:
        assert next(coming).kind == "comment"
        integration = created(client, body)
        toggle(client, integration, on=False)
        streamed = [next_change(coming), next_change(coming)]

    assert streamed == client.get(FEED, params={"after": 0}).json()["result"]["data"]


def test_a_stream_says_what_it_is_and_is_not_kept_back(client: httpx2.Client) -> None:
    with client.stream("GET", FEED, headers=STREAM) as answer:
        first = next(answer.iter_lines())

    assert first == "retry: 1000"
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"


def test_the_metrics_show_the_position_and_the_open_streams(
    client: httpx2.Client, body: Body
) -> None:
    created(client, body)
    with stream(client, params={"after": 0}) as coming:
        position = int(next_change(coming)["id"])
        figures = dict(
            line.rsplit(" ", 1)
            for line in client.get("/metrics").text.splitlines()
            if line.startswith("integrations_feed_")
        )

    assert float(figures["integrations_feed_streams"]) >= 1
    assert float(figures["integrations_feed_position"]) >= position


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream, */*;q=0.1", "text/event-stream"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
    ],
)
def test_accept_chooses(client: httpx2.Client, accept: str, media_type: str) -> None:
    with client.stream("GET", FEED, headers={"Accept": accept}) as answer:
        assert answer.headers["content-type"].partition(";")[0] == media_type


def test_a_head_request_does_not_keep_a_stream_open(client: httpx2.Client) -> None:
    answer = client.head(FEED, headers=STREAM)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


# ----- From where on -----
def test_a_stream_continues_after_the_last_event_id(client: httpx2.Client, body: Body) -> None:
    integration = created(client, body)
    with stream(client, params={"after": 0}) as coming:
        first = next_change(coming)
    toggle(client, integration, on=False)

    again = {"Last-Event-ID": first["id"]}  # which counts before `after`
    with stream(client, headers=again, params={"after": 0}) as coming:
        assert next_change(coming)["data"]["version"] == 2


@pytest.mark.parametrize(
    ("value", "code"),
    [("x", "WRONG_TYPE"), ("-1", "OUT_OF_RANGE"), ("", "WRONG_TYPE"), (str(10**17), "BEYOND_HEAD")],
)
def test_what_is_no_position_of_the_log_is_refused(
    client: httpx2.Client, problem: Problem, value: str, code: str
) -> None:
    answer = client.get(FEED, headers={**STREAM, "Last-Event-ID": value})

    [detail] = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert (detail["field"], detail["code"]) == ("Last-Event-ID", code)


def test_two_last_event_ids_are_refused(client: httpx2.Client, problem: Problem) -> None:
    headers = [*STREAM.items(), ("Last-Event-ID", "1"), ("Last-Event-ID", "2")]

    [detail] = problem(client.get(FEED, headers=headers), 400, "VALIDATION_ERROR")["details"]
    assert (detail["field"], detail["code"]) == ("Last-Event-ID", "REPEATED_HEADER")


# ----- To whom -----
def test_a_stream_needs_a_token_and_a_permission(
    client: httpx2.Client, service: Service, workspace: str, problem: Problem
) -> None:
    del client.headers["authorization"]
    problem(client.get(FEED, headers=STREAM), 401, "UNAUTHORIZED")
    with service.client("--permission", "audit:view", workspace=workspace) as auditor:
        problem(auditor.get(FEED, headers=STREAM), 403, "FORBIDDEN")


def test_nothing_of_another_workspace_comes(
    client: httpx2.Client, service: Service, workspace: str, body: Body
) -> None:
    with (
        service.caller(f"{workspace}-other") as stranger,
        client.stream("GET", FEED, headers=STREAM, timeout=60) as answer,
    ):
        lines = answer.iter_lines()
        foreign = created(stranger, body)
        own = created(client, body)
        seen: list[str] = []
        while not any(own in line for line in seen):
            seen.append(next(lines))

    assert foreign not in "\n".join(seen)


def test_too_many_streams_of_a_workspace_are_refused_until_one_leaves(
    client: httpx2.Client, problem: Problem, body: Body
) -> None:
    alone = {"Authorization": client.headers["authorization"], **STREAM}
    with ExitStack() as opened:
        for _ in range(100):
            opened.enter_context(httpx2.stream("GET", f"{client.base_url}{FEED}", headers=alone))
        refused = client.get(FEED, headers=STREAM)
        problem(refused, 429, "TOO_MANY_REQUESTS")
        assert refused.headers["retry-after"] == "5"

    until = time.monotonic() + 60
    while True:
        with client.stream("GET", FEED, headers=STREAM, timeout=60) as answer:
            if answer.status_code == 200:
                created(client, body)
                assert next_change(blocks(answer))["data"]["version"] == 1
                break
        assert time.monotonic() < until
        time.sleep(0.2)


# ----- How it ends -----
def test_a_stream_ends_with_its_token(
    client: httpx2.Client, service: Service, workspace: str, body: Body
) -> None:
    integration, seconds = created(client, body), 15
    token = issue(
        read_settings(service.environment), workspace=workspace, subject="t",
        ttl=seconds - int(LEEWAY), role="VIEWER",
    )  # fmt: skip
    worker = httpx2.Client(
        base_url=service.address, headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )
    with worker, stream(worker) as coming, ThreadPoolExecutor(1) as threads:
        ended = threads.submit(lambda: [*coming])
        on = False
        while not ended.done():
            toggle(client, integration, on=on)
            on = not on
            time.sleep(0.2)
        seen = ended.result()

    assert seen[-1].kind == "end"
    assert seen[-1].fields["data"] == "token"
    assert "change" in {block.kind for block in seen}
    assert worker.is_closed


def test_a_quiet_stream_says_where_the_log_is(
    client: httpx2.Client, service: Service, workspace: str, body: Body
) -> None:
    with service.caller(f"{workspace}-other") as stranger, stream(client) as coming:
        first = next(coming)
        created(stranger, body)
        then = next(coming)

    assert (first.kind, then.kind) == ("comment", "comment")
    assert int(then.fields[""]) > int(first.fields[""])


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_stop_ends_two_hundred_streams(
    start_service: StartService, data_dir: Path, dsn: str, workers: str
) -> None:
    with start_service(data_dir, database_url=dsn, workers=workers) as service:
        streams = [await open_stream(service, f"w{n % 4}") for n in range(STREAMS)]
        service.process.send_signal(signal.SIGTERM)
        ends = await asyncio.gather(*(reader.read() for reader, _ in streams))
        status = await asyncio.to_thread(service.process.wait, 60)
        log = service.log_file.read_text()
        for _, writer in streams:
            writer.close()

    assert status == 0
    assert sum(b"event: end\ndata: shutdown\n\n" in end for end in ends) == STREAMS
    assert all(end.endswith(b"0\r\n\r\n") for end in ends)  # whole, by HTTP's own measure
    assert "running task" not in log  # what uvicorn says of what it cancels after 5 s


async def open_stream(service: Service, workspace: str) -> Connection:
    """Open a stream over a socket of its own; return it after the first bytes of its body."""
    host, port = service.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(stream_request(service, workspace))
    async with asyncio.timeout(60):
        assert b" 200 OK" in await reader.readline()
        await reader.readuntil(b"retry: 1000\n\n")
    return reader, writer


def stream_request(service: Service, workspace: str, after: str = "") -> bytes:
    """Return the bytes that ask for a stream."""
    token = issue(
        read_settings(service.environment), workspace=workspace, subject="t", ttl=3600,
        role="VIEWER",
    )  # fmt: skip
    lines = (f"GET {FEED}{after} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "Accept: text/event-stream", "", ""]).encode()


def test_clients_that_read_nothing_take_no_memory(
    start_service: StartService, data_dir: Path, dsn: str, told: Any
) -> None:
    told.append("demo", [("int_1", "ann", 0, "INTEGRATION_ENABLED")] * EVENTS)
    with start_service(data_dir, database_url=dsn) as service, ExitStack() as opened:
        process = psutil.Process(service.process.pid)
        with service.caller() as client:
            head(client)
            before = process.memory_info().rss
            for _ in range(SLOW_READERS):
                opened.enter_context(closing(deaf(service, "?after=0")))
            with stream(client, params={"after": 0}) as coming:
                versions = [next_change(coming)["data"]["version"] for _ in range(EVENTS)]
        grown = process.memory_info().rss - before

    assert versions == [*range(1, EVENTS + 1)]
    assert grown < SLOW_READERS * EVENTS * CHANGE_SIZE / 2


def deaf(service: Service, query: str) -> socket.socket:
    """Ask for a stream over a connection that is never read."""
    host, port = service.address.removeprefix("http://").split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((host, int(port)))
    connection.sendall(stream_request(service, "demo", query))
    return connection
