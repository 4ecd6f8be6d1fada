"""The change feed of the real service ends leases at once; without it they last to their end.

That is much longer than `wait_until` waits.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from integrations_client import IntegrationInactiveError, Lease, NotFoundError
from integrations_client.held import HeldLeases
from integrations_client.opening import Target
from integrations_client.term import Term

from clients.python.tests.conftest import Workspace
from tests.support.waiting import wait_until

Gateway = Any
NEXT = "SG.the-next-key-of-all"
TARGET: Target = ("integration", "int_1")


def is_refused(client: Any, integration: str, error: type[Exception]) -> bool:
    try:
        client.lease(integration)
    except error:
        return True
    return False


def test_a_rotation_is_noticed(workspace: Workspace) -> None:
    integration = workspace.create()
    with workspace.client(watch=True) as client:
        assert client.lease(integration).credentials == {"apiKey": 1}

        workspace.rotate(integration, NEXT)

        def leases_next() -> bool:
            key = client.lease(integration).api_key
            return key is not None and key.reveal() == NEXT

        wait_until(leases_next)


async def test_the_same_with_asyncio(workspace: Workspace) -> None:
    integration = workspace.create()
    async with workspace.async_client(watch=True) as client:
        first = await client.lease(integration)
        workspace.rotate(integration, NEXT)

        while await client.lease(integration) is first:  # noqa: ASYNC110 — as a worker asks
            await asyncio.sleep(0.01)

        assert (await client.lease(integration)).credentials == {"apiKey": 2}


def test_a_toggle_is_noticed(workspace: Workspace) -> None:
    integration = workspace.create()
    with workspace.client(watch=True) as client:
        client.lease(integration)

        workspace.toggle(integration, is_active=False)
        wait_until(lambda: is_refused(client, integration, IntegrationInactiveError))
        workspace.toggle(integration, is_active=True)

        assert client.lease(integration).version == 3


def test_a_deletion_is_noticed(workspace: Workspace) -> None:
    integration = workspace.create()
    with workspace.client(watch=True) as client:
        client.lease(integration)

        workspace.admin.delete(f"/en/api/integration/{integration}")

        wait_until(lambda: is_refused(client, integration, NotFoundError))


def test_a_change_ends_no_other_leases_and_a_check_none(workspace: Workspace) -> None:
    integration, other = workspace.create(), workspace.create()
    with workspace.client(watch=True) as client:
        lease, of_other = client.lease(integration), client.lease(other)

        checked = workspace.admin.post(f"/en/api/integration/{integration}/check")
        assert checked.status_code == 200
        workspace.rotate(other, NEXT)
        wait_until(lambda: client.lease(other) is not of_other)

        assert client.lease(integration) is lease


def test_no_change_is_lost_in_an_outage(workspace: Workspace, gateway: Gateway) -> None:
    integration = workspace.create()
    with workspace.client(base=gateway.base, watch=True) as client:
        first = client.lease(integration)
        gateway.feed_script += [(503, {}), None, (502, {})]
        workspace.toggle(integration, is_active=False)
        workspace.toggle(integration, is_active=True)

        wait_until(lambda: client.lease(integration) is not first)
        wait_until(lambda: not gateway.feed_script)
        second = client.lease(integration)
        workspace.rotate(integration, NEXT)
        wait_until(lambda: client.lease(integration) is not second)


def test_a_position_that_the_service_does_not_know_ends_all_leases(
    workspace: Workspace, gateway: Gateway
) -> None:
    integration, other = workspace.create(), workspace.create()
    with workspace.client(base=gateway.base, watch=True) as client:
        lease = client.lease(integration)
        gateway.feed_script += [(400, {})]
        workspace.rotate(other, NEXT)  # answers the request that waits

        wait_until(lambda: client.lease(integration) is not lease)
        lease = client.lease(integration)
        workspace.rotate(integration, NEXT)
        wait_until(lambda: client.lease(integration) is not lease)


def test_without_a_feed_leases_are_held_and_the_log_says_so_once(
    workspace: Workspace, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    integration = workspace.create()
    gateway.feed_script += [(404, {})] * 50
    with workspace.client(base=gateway.base, watch=True) as client:
        lease = client.lease(integration)
        wait_until(lambda: len(gateway.feed_script) < 48)
        assert client.lease(integration) is lease

    assert [
        record.levelname for record in caplog.records if "no change feed" in record.message
    ] == ["WARNING"]


def test_soon_after_an_outage_a_change_is_noticed_again(
    workspace: Workspace, gateway: Gateway
) -> None:
    integration = workspace.create()
    gateway.feed_script += [(404, {})] * 50
    with workspace.client(base=gateway.base, watch=True) as client:
        lease = client.lease(integration)
        wait_until(lambda: len(gateway.feed_script) < 43)  # the delay has reached its maximum
        gateway.feed_script.clear()
        workspace.rotate(integration, NEXT)
        began = time.monotonic()
        wait_until(lambda: client.lease(integration) is not lease)

    assert time.monotonic() - began < 10  # the delay is at most a second; doubled on, 12 at least


# ----- Leases and changes that cross each other -----
def lease_of(version: int, integration: str = "int_1") -> Lease:
    return Lease(integration, version, {}, {}, Term(60))


def test_a_lease_of_an_older_version_than_was_seen_is_not_held() -> None:
    held = HeldLeases()
    held.see("int_1", 8)

    assert not held.put(TARGET, lease_of(7), 0)
    assert held.get(TARGET) is None
    assert held.put(TARGET, lease_of(8), 0)
    assert not held.put(TARGET, lease_of(7), 0)


def test_a_change_keeps_a_lease_that_knows_it() -> None:
    held, lease = HeldLeases(), lease_of(8)
    held.put(TARGET, lease, 0)

    held.see("int_1", 8)
    held.see("int_1", 7)
    held.see("int_2", 9)

    assert held.get(TARGET) is lease


ENDS: list[Callable[[HeldLeases], None]] = [lambda held: held.drop(TARGET), HeldLeases.forget]


@pytest.mark.parametrize("end", ENDS)
def test_a_lease_that_was_asked_for_before_it_was_dropped_is_not_held(
    end: Callable[[HeldLeases], None],
) -> None:
    held = HeldLeases()
    before = held.drops(TARGET)
    end(held)

    assert not held.put(TARGET, lease_of(1), before)
    assert held.put(TARGET, lease_of(1), held.drops(TARGET))


def test_leases_that_are_over_are_not_kept() -> None:
    held = HeldLeases()
    held.put(("integration", "int_2"), Lease("int_2", 1, {}, {}, Term(0)), 0)

    held.put(TARGET, lease_of(1), 0)

    assert list(held._leases) == [TARGET]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
