"""Checks: what the provider says, how long it may take, and how many there may be."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Locator, expect

from tests.support.any_provider import SENDGRID_REFUSES, Provider, running_provider
from tests.support.service import Service, StartService
from tests.support.window import Window, add, add_sendgrid, sign_in

NewWindow = Callable[..., Window]
pytestmark = pytest.mark.slow
LIST = "/console/en/integrations"
KEY = "SG." + "k" * 22 + "." + "y" * 43
RED = "rgb(163, 22, 44)"
MAX_A_MINUTE = 60  # checks of a workspace


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def silent() -> Iterator[int]:
    """The port of a provider that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture(scope="module")
def checking(
    start_service: StartService,
    own_database: Callable[[str], str],
    own_data_dir: Callable[[], Path],
    provider: Provider,
    silent: int,
) -> Iterator[Service]:
    """A service that asks `provider` in place of SendGrid and FCM, `silent` in place of Nexmo."""
    here = "http://127.0.0.1"
    told = f"{here}:{provider.server_port}"
    with start_service(
        own_data_dir(),
        database_url=own_database("console_checks"),
        provider_urls=f"SENDGRID={told},FIREBASE_FCM={told},NEXMO={here}:{silent}",
    ) as service:
        yield service


@pytest.fixture
def client(checking: Service, workspace: str) -> Iterator[httpx2.Client]:
    """A client of the service `checking`."""
    with checking.caller(workspace) as client:
        yield client


@pytest.fixture
def console(checking: Service, client: httpx2.Client, new_window: NewWindow) -> Window:
    """The window of an administrator of `workspace` at the service `checking`, signed in."""
    window = new_window(checking.address)
    sign_in(window, client)
    return window


def colour_of(words: Locator) -> str:
    return words.evaluate("(element) => getComputedStyle(element).color")


OUTCOMES: dict[str, tuple[int, Any, str]] = {
    "ok": (200, {"scopes": ["mail.send"]}, "Works"),
    "invalid": (
        401,
        SENDGRID_REFUSES,
        "Refused by the provider",
    ),
    "insufficient": (200, {"scopes": []}, "Accepted, but cannot send"),
    "inconclusive": (503, {}, "Could not check"),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_check_shows_what_the_provider_says(
    console: Window, client: httpx2.Client, provider: Provider, outcome: str
) -> None:
    status, content, words = OUTCOMES[outcome]
    provider.say(status, content)
    add_sendgrid(client, apiKey=KEY)
    page = console.open(LIST)

    page.get_by_role("button", name="Check SendGrid Production").click()

    expect(page.get_by_role("status")).to_contain_text(words)
    result = page.locator(".card .check strong")
    expect(result).to_have_text(words)
    assert (colour_of(result) == RED) is (outcome == "invalid")


def test_a_check_of_keys_that_a_provider_has_ended_says_what_to_use_instead(
    console: Window, client: httpx2.Client
) -> None:
    server_key = "AAAA" + "k" * 7 + ":" + "A" * 140
    add(client, name="Old push", type="FIREBASE_FCM", channel="PUSH", apiKey=server_key)
    page = console.open(LIST)

    page.get_by_role("button", name="Check Old push").click()

    expect(page.get_by_role("status")).to_contain_text("The check is done: Ended by the provider")
    result = page.locator(".card .check")
    expect(result.locator("strong")).to_have_text("Ended by the provider")
    expect(result).to_contain_text("use the JSON of a service account")
    assert colour_of(result.locator("strong")) != RED


def test_a_service_account_that_works_is_not_asked_for(
    console: Window, client: httpx2.Client, provider: Provider
) -> None:
    provider.say(200, {"access_token": "t", "name": "projects/our-project/messages/1"})
    key = rsa.generate_private_key(65537, 2048)
    account = {
        "type": "service_account",
        "project_id": "our-project",
        "client_email": "sender@our-project.iam.gserviceaccount.com",
        "private_key": key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
    }
    push = {"name": "Push", "type": "FIREBASE_FCM", "channel": "PUSH"}
    page = console.open(f"{LIST}/{add(client, **push, apiKey=json.dumps(account))}")
    advice = page.get_by_text("use the JSON of a service account")
    expect(advice).to_be_visible()

    page.get_by_role("button", name="Check now").click()

    expect(page.locator(".check").first).to_contain_text("Works")
    expect(advice).to_have_count(0)


def test_a_check_that_takes_long_keeps_its_own_button_busy_alone_and_is_done_once(
    console: Window, client: httpx2.Client, provider: Provider
) -> None:
    provider.say(200, {"scopes": ["mail.send"]})
    provider.requests = 0
    provider.release.clear()
    add_sendgrid(client, apiKey=KEY)
    add_sendgrid(client, name="Another")
    page = console.open(LIST)
    button = page.get_by_role("button", name="Check SendGrid Production")

    button.dblclick()

    expect(button).to_have_attribute("aria-busy", "true")
    provider.wait_for_requests(1)
    switch = page.get_by_role("switch", name="Another")
    expect(switch).to_be_enabled()
    provider.release.set()
    expect(page.get_by_role("status")).to_contain_text("The check is done: Works")
    expect(button).to_be_focused()
    assert provider.requests == 1


def test_a_provider_that_never_answers_is_waited_for_ten_seconds_and_blames_no_key(
    console: Window, client: httpx2.Client
) -> None:
    keys = {"apiKey": "12345678", "apiSecret": "k" * 16}
    id_ = add(client, name="Silent", type="NEXMO", channel="SMS", **keys)
    page = console.open(LIST)
    button = page.get_by_role("button", name="Check Silent")
    started = time.monotonic()

    button.press("Enter")
    expect(button).to_have_attribute("aria-busy", "true")

    expect(page.get_by_role("status")).to_contain_text("Could not check")
    assert time.monotonic() - started > 9  # it has really waited; at most as long as `expect`
    result = page.locator(".card .check strong")
    expect(result).to_have_text("Could not check")
    assert colour_of(result) != RED
    expect(button).to_be_focused()
    expect(button).to_be_enabled()
    expect(button).not_to_have_attribute("aria-busy", "true")
    page.get_by_role("switch", name="Silent").click()
    expect(page.get_by_role("status")).to_contain_text("The connection is switched off")
    history = client.get(f"/en/api/integration/{id_}/history").json()["result"]["data"]
    assert [entry["action"] for entry in history].count("CREDENTIALS_CHECKED") == 1


def test_after_too_many_checks_a_banner_counts_down_and_the_list_stays(
    console: Window, client: httpx2.Client, provider: Provider
) -> None:
    console.allow(429)
    provider.say(200, {"scopes": ["mail.send"]})
    id_ = add_sendgrid(client, apiKey=KEY)
    page = console.open(f"{LIST}?q=send")
    for _ in range(MAX_A_MINUTE):
        client.post(f"/en/api/integration/{id_}/check").raise_for_status()

    page.get_by_role("button", name="Check SendGrid Production").click()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Too many requests")
    countdown = alert.locator("[data-countdown]")
    expect(countdown).to_have_text(re.compile(r"^\d+ sec$"))
    first = countdown.inner_text()
    expect(countdown).not_to_have_text(first)
    assert int(countdown.inner_text().removesuffix(" sec") or 0) < int(first.removesuffix(" sec"))
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator(".card .check")).to_contain_text("Not checked yet")
    expect(page.get_by_role("searchbox")).to_have_value("send")
    expect(page).to_have_url(f"{console.origin}{LIST}?q=send")
