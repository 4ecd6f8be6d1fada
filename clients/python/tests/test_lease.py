"""Leases from the real service: what a worker gets, and what it is told when it gets none."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from integrations_client import (
    ClosedError,
    ConfigurationError,
    ForbiddenError,
    IntegrationInactiveError,
    InvalidLeaseError,
    NotFoundError,
    RecipientRequiredError,
    UnauthorizedError,
    UnavailableError,
)
from integrations_client.keys import WorkerKey, base64url

from app.locales.catalogues import load_catalogues
from clients.python.tests.conftest import Workspace

SECRET = "SG.a-key-that-nobody-may-see"  # noqa: S105 — of no provider


def test_a_lease_holds_all_that_sending_needs(workspace: Workspace) -> None:
    integration = workspace.create(settings={"region": "EU"}, senderName="Brand")

    with workspace.client() as client:
        lease = client.lease(integration)

        assert (lease.integration_id, lease.version) == (integration, 1)
        assert (lease.type, lease.channel) == ("SENDGRID", "EMAIL")
        assert (lease.sender_email, lease.sender_name) == ("a@example.com", "Brand")
        assert (lease.base_url, lease.settings) == ("https://api.eu.sendgrid.com", {"region": "EU"})
        assert lease.credentials == {"apiKey": 1}
        assert lease.api_key is not None
        assert lease.api_key.reveal() == SECRET
        assert lease.api_secret is lease.vapid_private_key is None


async def test_the_same_with_asyncio(workspace: Workspace) -> None:
    integration = workspace.create()

    async with workspace.async_client(purpose="campaign:1") as client:
        lease = await client.lease(integration)

    assert lease.api_key is not None
    assert lease.api_key.reveal() == SECRET
    assert [entry["purpose"] for entry in workspace.accesses()] == ["campaign:1"]


def test_a_lease_is_held(workspace: Workspace) -> None:
    integration = workspace.create()

    with workspace.client() as client:
        assert client.lease(integration) is client.lease(integration)


def test_all_who_ask_at_once_wait_for_one_request(workspace: Workspace) -> None:
    integration = workspace.create()

    with workspace.client() as client, ThreadPoolExecutor(16) as threads:
        leases = [*threads.map(client.lease, [integration] * 64)]

    assert len({id(lease) for lease in leases}) == 1


def test_who_looked_just_before_the_lease_came_gets_it(workspace: Workspace) -> None:
    integration = workspace.create()

    with workspace.client() as client:
        lease = client.lease(integration)
        assert client.obtain(("integration", integration)) is lease


async def test_who_stops_waiting_ends_no_request_of_others(workspace: Workspace) -> None:
    integration = workspace.create()

    async with workspace.async_client() as client:
        first, second = (asyncio.create_task(client.lease(integration)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).integration_id == integration


def test_what_is_switched_off_has_an_error_of_its_own(workspace: Workspace) -> None:
    integration = workspace.create()
    workspace.toggle(integration, is_active=False)

    with workspace.client() as client, pytest.raises(IntegrationInactiveError) as raised:
        client.lease(integration)

    assert (raised.value.status, raised.value.code) == (409, "INTEGRATION_INACTIVE")
    assert raised.value.request_id
    assert raised.value.request_id in str(raised.value)


@pytest.mark.parametrize("wanted", ["int_01m84sn0f6e788c7myrj1n317m", "../toggle", "a/b?c"])
def test_what_is_not_there_is_not_found(workspace: Workspace, wanted: str) -> None:
    with workspace.client() as client, pytest.raises(NotFoundError):
        client.lease(wanted)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"recipient": None}, RecipientRequiredError),
        ({"permission": "integrations:view"}, ForbiddenError),
        ({"token": "no.token.atall"}, UnauthorizedError),
    ],
)
def test_who_may_not_lease_learns_why(
    workspace: Workspace, options: dict[str, Any], error: type[Exception]
) -> None:
    integration = workspace.create()
    key = WorkerKey(workspace.key) if "recipient" not in options else None
    token = workspace.token_for(key, options.get("permission", "integrations:resolve"))

    with (
        workspace.client(token=options.get("token", token)) as client,
        pytest.raises(error) as raised,
    ):
        client.lease(integration)

    assert type(raised.value) is error


def test_a_lease_signed_by_another_key_is_refused(workspace: Workspace) -> None:
    integration = workspace.create()
    stranger = public_jwk(Ed25519PrivateKey.generate())

    with workspace.client(service_key=stranger) as client, pytest.raises(InvalidLeaseError):
        client.lease(integration)


def test_a_key_that_the_token_does_not_name_opens_nothing(workspace: Workspace) -> None:
    integration = workspace.create()

    with (
        workspace.client(key=X25519PrivateKey.generate()) as client,
        pytest.raises(InvalidLeaseError, match="aud"),
    ):
        client.lease(integration)


def test_a_pinned_set_lets_the_service_change_its_key(workspace: Workspace) -> None:
    integration = workspace.create()
    service_key = json.loads(workspace.lease_key.read_text())
    pinned = {"keys": [public_jwk(Ed25519PrivateKey.generate()), service_key]}

    with workspace.client(service_key=pinned) as client:
        assert client.lease(integration).version == 1


def test_a_file_of_pinned_keys_is_read_again_for_an_unknown_key(workspace: Workspace) -> None:
    integration = workspace.create()
    service_key = workspace.lease_key.read_text()
    workspace.lease_key.write_text(json.dumps(public_jwk(Ed25519PrivateKey.generate())))

    with workspace.client() as client:
        with pytest.raises(InvalidLeaseError, match="not pinned"):
            client.lease(integration)
        workspace.lease_key.write_text(service_key)
        assert client.lease(integration).version == 1


def public_jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    x = base64url(key.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x}


# ----- What cannot be used -----
def test_a_lease_of_an_older_version_says_what_to_do_after_a_restore(workspace: Workspace) -> None:
    integration = workspace.create()
    with workspace.client() as client:
        client.held.see(integration, 9)
        with pytest.raises(UnavailableError, match="restored from a backup, restart the worker"):
            client.lease(integration)


@pytest.mark.parametrize(
    "path",
    [
        *(f"/{language}/api" for language in sorted(load_catalogues().languages)),
        "/en/api/", "/en/api/integration", "/pt-BR/api/integration/", "/en/api?page=2", "/en/api#a",
    ],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "/a"])
def test_an_address_of_the_api_is_refused_and_that_of_the_service_is_named(
    workspace: Workspace, prefix: str, path: str
) -> None:
    address = f"http://host{prefix}"
    with pytest.raises(ConfigurationError, match=f"is a path of the API: give '{address}'$"):
        workspace.async_client(base=address + path)


@pytest.mark.parametrize(
    "base",
    [
        "http://host", "https://host/", "http://en/api", "http://host/integrations/v2/api",
        "https://host/it/api", "https://host/eu/api", "https://host/en/apis",
    ],
)  # fmt: skip
def test_a_proxy_may_serve_the_service_under_a_path(workspace: Workspace, base: str) -> None:
    assert workspace.async_client(base=base)


def test_an_empty_token_is_refused_at_once(workspace: Workspace) -> None:
    with pytest.raises(ConfigurationError, match="token is empty"):
        workspace.async_client(token=" ")  # noqa: S106


def test_a_closed_client_says_so(workspace: Workspace) -> None:
    with workspace.client() as client:
        pass
    client.close()

    with pytest.raises(ClosedError):
        client.lease("int_1")


async def test_a_closed_client_says_so_with_asyncio(workspace: Workspace) -> None:
    client = workspace.async_client()
    await client.aclose()
    await client.aclose()

    with pytest.raises(ClosedError):
        await client.lease("int_1")
