"""Leases by channel: what is chosen now, and nothing in its place."""

from typing import Any

import httpx
import pytest
from integrations_client import ConfigurationError, DefaultInactiveError, NoDefaultError

from clients.python.tests.conftest import Workspace
from tests.support.waiting import wait_until

EMAIL = "/en/api/integration-defaults/EMAIL"
OTHER = "SG.the-key-of-the-other-one"


def choose(workspace: Workspace, integration: str) -> None:
    response = workspace.admin.put(EMAIL, json={"integrationId": integration})
    assert response.status_code == 200, response.text


def is_refused(client: Any, error: type[Exception]) -> bool:
    try:
        client.channel("EMAIL")
    except error:
        return True
    return False


def test_what_is_chosen_is_leased_and_held(workspace: Workspace) -> None:
    integration = workspace.create()
    choose(workspace, integration)

    with workspace.client() as client:
        lease = client.channel("EMAIL")

        assert (lease.integration_id, lease.channel) == (integration, "EMAIL")
        assert client.channel("EMAIL") is lease


async def test_the_same_with_asyncio(workspace: Workspace) -> None:
    integration = workspace.create()
    choose(workspace, integration)

    async with workspace.async_client() as client:
        assert (await client.channel("EMAIL")).integration_id == integration


def test_where_none_is_chosen_there_is_no_lease(workspace: Workspace) -> None:
    workspace.create()

    with workspace.client() as client, pytest.raises(NoDefaultError):
        client.channel("EMAIL")


def test_another_choice_is_noticed_and_signs_the_next_request(workspace: Workspace) -> None:
    first, second = workspace.create(), workspace.create(apiKey=OTHER)
    choose(workspace, first)
    seen: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(202)

    with (
        workspace.client(watch=True) as client,
        httpx.Client(transport=httpx.MockTransport(provider)) as http,
    ):
        assert client.channel("EMAIL").integration_id == first
        choose(workspace, second)
        wait_until(lambda: client.channel("EMAIL").integration_id == second)
        http.post("https://provider.example", auth=client.channel_auth("EMAIL"))

    assert seen == [f"Bearer {OTHER}"]


def test_what_was_chosen_and_is_off_or_deleted_is_never_replaced(workspace: Workspace) -> None:
    integration = workspace.create()
    workspace.create()
    choose(workspace, integration)

    with workspace.client(watch=True) as client:
        client.channel("EMAIL")
        workspace.toggle(integration, is_active=False)
        wait_until(lambda: is_refused(client, DefaultInactiveError))
        workspace.toggle(integration, is_active=True)
        client.channel("EMAIL")
        workspace.admin.delete(f"/en/api/integration/{integration}")
        wait_until(lambda: is_refused(client, DefaultInactiveError))


def test_a_choice_that_is_taken_back_is_noticed(workspace: Workspace) -> None:
    choose(workspace, workspace.create())

    with workspace.client(watch=True) as client:
        client.channel("EMAIL")
        assert workspace.admin.delete(EMAIL).status_code == 200
        wait_until(lambda: is_refused(client, NoDefaultError))


@pytest.mark.parametrize("channel", ["sms", "Email", "", "int_01m84sn0f6e788c7myrj1n317m"])
def test_what_is_no_channel_is_a_mistake_of_the_caller(workspace: Workspace, channel: str) -> None:
    with workspace.client() as client:
        for ask in (client.channel, client.channel_auth):
            with pytest.raises(ConfigurationError, match="is no channel: EMAIL, SMS or PUSH"):
                ask(channel)
