"""The headers that every response has (docs/api.md#responses)."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

PATH = "/en/api/integration"
NEVER = f"{PATH}/int_01jmhbnh5sexrt0p1k7vtm4ttz"
Raw = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    ("method", "path", "status", "cache"),
    [
        ("GET", PATH, 200, "private, no-cache"),
        ("HEAD", PATH, 200, "private, no-cache"),
        ("GET", "/en/api/history-log", 200, "private, no-cache"),
        ("GET", "/en/api/integration-types", 200, "no-store"),
        ("GET", NEVER, 404, "no-store"),
        ("GET", "/en/nowhere", 404, "no-store"),
        ("GET", "/docs/nowhere", 404, "no-store"),
        ("PUT", PATH, 405, "no-store"),
        ("OPTIONS", PATH, 405, "no-store"),
        ("POST", PATH, 400, "no-store"),
        ("GET", f"{PATH}?x=1", 400, "no-store"),
        ("GET", "/health/live", 200, "no-store"),
        ("GET", "/health/ready", 200, "no-store"),
        ("GET", "/metrics", 200, "no-store"),
        ("GET", "/docs", 200, "no-store"),
        ("GET", "/docs/openapi.json", 200, "no-store"),
    ],
)
def test_no_response_is_sniffed_or_kept(
    client: httpx2.Client, method: str, path: str, status: int, cache: str
) -> None:
    answer = client.request(method, path)

    assert answer.status_code == status
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("cache-control") == [cache]


def test_a_response_with_an_entity_tag_may_be_revalidated(
    client: httpx2.Client, body: dict[str, Any]
) -> None:
    created = client.post(PATH, json=body, headers={"Idempotency-Key": "k"})
    replayed = client.post(PATH, json=body, headers={"Idempotency-Key": "k"})
    known = client.get(created.headers["Location"], headers={"If-None-Match": '"1"'})
    refused = client.patch(
        created.headers["Location"], json={"name": "m"}, headers={"If-Match": '"9"'}
    )

    assert [answer.status_code for answer in (created, replayed, known, refused)] == [
        *(201, 201, 304, 412)
    ]
    for answer in (created, replayed, known):
        assert answer.headers["cache-control"] == "private, no-cache"
    assert refused.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "request_",
    [
        b"hello\r\n\r\n",
        b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000,
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
    ids=lambda request_: str(request_[:30]),
)
def test_a_refusal_below_the_application_has_them_too(raw: Raw, request_: bytes) -> None:
    head = raw(request_).partition(b"\r\n\r\n")[0].lower().split(b"\r\n")

    assert head.count(b"x-content-type-options: nosniff") == 1
    assert head.count(b"cache-control: no-store") == 1
