"""Renewals: before the end of a lease, by the clock of the wall too, and in an outage."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from integrations_client import (
    ForkedError,
    IntegrationInactiveError,
    LeaseExpiredError,
    UnavailableError,
)

from clients.python.tests.conftest import Workspace
from tests.support.waiting import wait_until

Gateway = Any
Shift = Callable[[float], None]
CLOCKS = ("time", "monotonic")  # a machine that slept; a clock that was set back


@pytest.fixture(params=CLOCKS)
def shift(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Shift:
    """Let seconds pass on one of the clocks alone."""
    clock = getattr(time, request.param)

    def shift(seconds: float) -> None:
        monkeypatch.setattr(f"integrations_client.term.{request.param}", lambda: clock() + seconds)

    return shift


@pytest.fixture
def integration(workspace: Workspace) -> str:
    return workspace.create()


@pytest.fixture
def client(workspace: Workspace, gateway: Gateway) -> Iterator[Any]:
    with workspace.client(base=gateway.base, timeout=0.3) as client:
        yield client


def test_a_lease_is_renewed_before_its_end_and_nobody_waits(
    client: Any, integration: str, shift: Shift, gateway: Gateway
) -> None:
    first = client.lease(integration)
    shift(245)
    assert client.lease(integration) is first
    shift(0)

    wait_until(lambda: client.lease(integration) is not first)

    assert len(gateway.requests) == 2


def test_a_lease_that_is_over_is_not_used(client: Any, integration: str, shift: Shift) -> None:
    first = client.lease(integration)
    shift(301)

    assert client.lease(integration) is not first
    with pytest.raises(LeaseExpiredError):
        first.api_key.reveal()


def test_an_outage_is_not_felt_before_the_lease_ends(
    client: Any, integration: str, shift: Shift, gateway: Gateway
) -> None:
    first = client.lease(integration)
    gateway.is_away = True
    shift(270)
    for _ in range(3):
        assert client.lease(integration) is first
    asked = len(gateway.requests)
    wait_until(lambda: client.lease(integration) is first and len(gateway.requests) > asked)

    shift(301)
    with pytest.raises(UnavailableError):
        client.lease(integration)

    gateway.is_away = False
    assert client.lease(integration).version == 1


def test_a_renewal_that_is_refused_ends_the_lease(
    client: Any, integration: str, shift: Shift, workspace: Workspace
) -> None:
    first = client.lease(integration)
    workspace.toggle(integration, is_active=False)
    assert client.lease(integration) is first
    shift(245)

    def is_refused() -> bool:
        try:
            return client.lease(integration) is not first
        except IntegrationInactiveError:
            return True

    wait_until(is_refused)
    with pytest.raises(IntegrationInactiveError):
        client.lease(integration)


FORK = """
import asyncio, os, sys
from integrations_client import AsyncIntegrations, ForkedError, Integrations

base, token, key, service_key, integration = sys.argv[1:]
options = {"token": token, "key": key, "service_key": service_key}
client, other = Integrations(base, **options), AsyncIntegrations(base, **options)
client.lease(integration)
if os.fork() == 0:
    try:
        client.lease(integration)
    except ForkedError as error:
        print(error, flush=True)
    try:
        asyncio.run(other.lease(integration))
    except ForkedError as error:
        print(error, flush=True)
    client.close()
    with Integrations(base, **options) as own:
        print(own.lease(integration).version, flush=True)
    os._exit(0)
os.wait()
print(client.lease(integration).version)
client.close()
"""


def test_a_client_of_before_a_fork_says_so(workspace: Workspace, integration: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    options = workspace.options()
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK, options["base"], options["token"],
         options["key"], options["service_key"], integration],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert ended.stdout.splitlines() == [str(ForkedError()), str(ForkedError()), "1", "1"]
    assert (ended.returncode, ended.stderr) == (0, "")
