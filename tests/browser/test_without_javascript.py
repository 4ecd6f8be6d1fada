"""The console in a browser that runs no script: every page is a page, every button a form."""

from collections.abc import Callable

import httpx2
import pytest
from playwright.sync_api import expect

from tests.support.window import Window, add, add_sendgrid, sign_in

NewWindow = Callable[..., Window]
pytestmark = pytest.mark.slow
LIST = "/console/en/integrations"
NOTHING = "Nothing to check yet: keys or fields are missing"


@pytest.fixture
def plain(new_window: NewWindow, client: httpx2.Client) -> Window:
    """The window of an administrator of `workspace`, signed in, which runs no script."""
    window = new_window(java_script_enabled=False)
    sign_in(window, client)
    return window


def test_a_token_leads_in_and_a_button_out(new_window: NewWindow, client: httpx2.Client) -> None:
    window = new_window(java_script_enabled=False)
    window.allow(422)
    page = window.open(LIST)
    page.get_by_label("Token").fill("nonsense")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".alert")).to_contain_text("This token is not valid")

    page.get_by_label("Token").fill(client.headers["authorization"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="No connections yet")).to_be_visible()

    page.get_by_role("link", name="t", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_link_for_signing_in_says_that_it_needs_javascript(new_window: NewWindow) -> None:
    page = new_window(java_script_enabled=False).open("/console/enter#" + "c" * 43)
    expect(page.locator("#reading")).to_be_hidden()

    page.get_by_role("link", name="Sign in with a token").click()

    expect(page.get_by_label("Token")).to_be_visible()


def test_the_list_searches_switches_and_checks(plain: Window, client: httpx2.Client) -> None:
    add_sendgrid(client)
    page = plain.open(LIST)
    page.get_by_role("searchbox").fill("send")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".card")).to_have_count(1)

    page.get_by_role("switch", name="SendGrid Production").click()
    expect(page.get_by_role("status")).to_contain_text("The connection is switched off")
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    expect(page.get_by_role("searchbox")).to_have_value("send")

    page.get_by_role("button", name="Check SendGrid Production").click()
    expect(page.get_by_role("status")).to_contain_text(NOTHING)


def test_the_menu_of_languages_opens_and_closes(plain: Window) -> None:
    page = plain.open(LIST)
    language = page.get_by_role("link", name="Deutsch")

    page.locator(".menu").click()
    expect(language).to_be_visible()
    page.get_by_role("heading", level=1).click()
    expect(language).to_be_hidden()

    page.locator(".menu").click()
    page.keyboard.press("Escape")
    expect(language).to_be_hidden()
    page.locator(".menu").click()
    language.click()
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_a_connection_is_added_after_an_error(plain: Window, client: httpx2.Client) -> None:
    plain.allow(422)
    page = plain.open("/console/en/integrations")
    page.get_by_role("link", name="Add the first connection").click()
    page.get_by_role("link", name="Twilio").click()
    page.locator("[name=senderPhone]").fill("+447700900000")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("#alerts .alert").get_by_role("link").first.click()
    expect(page.get_by_label("Name", exact=True)).to_be_in_viewport()
    expect(page.locator("[name=senderPhone]")).to_have_value("+447700900000")

    page.get_by_label("Name", exact=True).fill("Twilio SMS")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("status")).to_contain_text("The connection is added")
    (added,) = client.get("/en/api/integration").json()["result"]["data"]
    assert added["senderPhone"] == "+447700900000"


def test_a_connection_is_edited_and_deleted_and_its_history_read(
    plain: Window, client: httpx2.Client
) -> None:
    integration = add(client, name="Twilio SMS", type="TWILIO", channel="SMS")
    page = plain.open(f"{LIST}/{integration}/edit")
    page.get_by_label("Name", exact=True).fill("Renamed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The changes are saved")

    page.get_by_role("link", name="History").last.click()
    expect(page.locator(".entry")).to_have_count(2)

    plain.open(f"{LIST}/{integration}/delete")
    page.get_by_label("Type its name to be sure").fill("Renamed")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The connection is deleted")


def test_a_page_is_written_in_its_direction(plain: Window) -> None:
    page = plain.open("/console/ar/integrations")

    expect(page.locator("html")).to_have_attribute("dir", "rtl")
