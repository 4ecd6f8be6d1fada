"""What tests of integrations create, and a provider that answers their checks."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.support.any_provider import Provider, running_provider
from tests.support.defaults import PATH, SECRET
from tests.support.service import Service, StartService, new_data_dir

Create = Callable[..., str]


@pytest.fixture
def create(client: httpx2.Client, body: dict[str, Any]) -> Create:
    """Return what adds an integration that sends email, and returns its id."""

    def create(**more: Any) -> str:
        created = client.post(PATH, json={**body, "apiKey": SECRET, **more})
        return created.json()["result"]["data"]["id"]

    return create


@pytest.fixture(scope="session")
def any_provider() -> Iterator[Provider]:
    """Answers as every provider."""
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(any_provider: Provider) -> Provider:
    """`any_provider`, which has had no request yet and takes every key."""
    any_provider.requests, any_provider.refusals, any_provider.held = 0, 0, ""
    any_provider.paths.clear()
    any_provider.say(200, {"scopes": ["mail.send"]})
    return any_provider


@pytest.fixture(scope="session")
def checking_service(start_service: StartService, any_provider: Provider) -> Iterator[Service]:
    """A service of its own, with its own database, that asks `provider` in place of all."""
    url = f"http://127.0.0.1:{any_provider.server_port}"
    urls = f"SENDGRID={url},TWILIO={url}"
    with (
        new_data_dir() as folder,
        start_service(folder, provider_urls=urls, log_level="DEBUG") as service,
    ):
        yield service
