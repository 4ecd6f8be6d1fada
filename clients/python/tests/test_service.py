"""Requests through a gateway that fails: what is repeated, after how long, and what is not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any

import pytest
from integrations_client import (
    RateLimitedError,
    ServiceError,
    UnavailableError,
    UnexpectedResponseError,
)
from integrations_client.service import parse_retry_after

from clients.python.tests.conftest import Workspace

Gateway = Any


@pytest.fixture
def integration(workspace: Workspace) -> str:
    return workspace.create()


@pytest.fixture
def client(workspace: Workspace, gateway: Gateway) -> Iterator[Any]:
    with workspace.client(base=gateway.base) as client:
        yield client


SCRIPTS: list[list[Any]] = [
    [(503, {})],
    [(503, {"Retry-After": "0"})] * 3,
    [(429, {"Retry-After": "1"})],
    [(502, {}), (504, {})],
    [None],
    [None, (503, {})],
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_failure_that_passes_is_not_seen(
    client: Any, integration: str, gateway: Gateway, script: list[Any]
) -> None:
    gateway.script += script

    assert client.lease(integration).version == 1
    assert len(gateway.requests) == len(script) + 1


LASTING: list[tuple[Any, type[ServiceError]]] = [
    ((503, {"Retry-After": "3600"}), UnavailableError),
    ((429, {"Retry-After": "3600"}), RateLimitedError),
    ((500, {}), UnexpectedResponseError),
    ((302, {"Location": "/login"}), UnexpectedResponseError),
    ((404, {}), UnexpectedResponseError),  # of a proxy: the service says NOT_FOUND
    ((403, {}), UnexpectedResponseError),
]


@pytest.mark.parametrize(("response", "error"), LASTING)
def test_what_does_not_pass_is_told_at_once(
    client: Any, integration: str, gateway: Gateway, response: Any, error: type[ServiceError]
) -> None:
    gateway.script.append(response)

    with pytest.raises(error) as raised:
        client.lease(integration)

    assert len(gateway.requests) == 1
    expected = response[1].get("Retry-After")
    assert raised.value.retry_after == (float(expected) if expected else None)


def test_a_service_that_stays_away_is_told_after_the_timeout(
    workspace: Workspace, integration: str, gateway: Gateway
) -> None:
    gateway.is_away = True

    with (
        workspace.client(base=gateway.base, timeout=2) as client,
        pytest.raises(UnavailableError),
    ):
        client.lease(integration)

    assert len(gateway.requests) > 1


def test_nobody_listens(workspace: Workspace, integration: str) -> None:
    with (
        workspace.client(base="http://127.0.0.1:9", timeout=0.2) as client,
        pytest.raises(UnavailableError, match="ConnectError"),
    ):
        client.lease(integration)


def test_a_token_is_asked_for_again_when_it_is_refused(
    workspace: Workspace, integration: str, gateway: Gateway
) -> None:
    numbers = count()

    def token() -> str:
        return workspace.token if next(numbers) else "expired"

    with workspace.client(base=gateway.base, token=token) as client:
        client.lease(integration)

    assert gateway.tokens == ["expired", workspace.token]


async def test_a_token_may_come_from_a_coroutine(workspace: Workspace, integration: str) -> None:
    async def token() -> str:
        return f"{workspace.token}\n"

    async with workspace.async_client(token=token) as client:
        assert (await client.lease(integration)).version == 1


@pytest.mark.parametrize("value", [None, "soon", "-1", "1.5", "٣"])
def test_an_odd_retry_after_counts_as_none(value: str | None) -> None:
    assert parse_retry_after(value) is None


def test_retry_after_may_be_a_date() -> None:
    later = datetime.now(UTC) + timedelta(seconds=30)

    assert 25 < (parse_retry_after(format_datetime(later, usegmt=True)) or 0) <= 30
    assert parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
