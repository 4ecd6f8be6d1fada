"""The console by keyboard alone: Tab, Enter, Space and Escape."""

import httpx2
import pytest
from playwright.sync_api import expect

from tests.support.keyboard import tab_to
from tests.support.window import Window, add, add_sendgrid

pytestmark = pytest.mark.slow
LIST = "/console/en/integrations"
NOTHING = "Nothing to check yet: keys or fields are missing"
# Sooner than any key can be pressed: the next task of the browser after a page was put in.
ESCAPE_AT_ONCE = """() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    document.documentElement.dataset.escaped = "";
  };
  new MutationObserver((_, observer) => {
    observer.disconnect();
    port2.postMessage("");
  }).observe(document.body, { childList: true });
}"""


def test_the_list_is_searched_switched_and_checked(console: Window, client: httpx2.Client) -> None:
    add_sendgrid(client)
    page = console.open(LIST)

    tab_to(page, "searchbox", "Search")
    page.keyboard.type("send")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{console.origin}{LIST}?q=send")
    expect(page.get_by_role("searchbox")).to_be_focused()

    tab_to(page, "switch", "SendGrid Production")
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_contain_text("The connection is switched off")
    expect(page.get_by_role("switch")).to_be_focused()

    tab_to(page, "button", "Check SendGrid Production")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(NOTHING)
    expect(page.get_by_role("button", name="Check SendGrid Production")).to_be_focused()
    expect(page.locator("#said")).to_contain_text(NOTHING)


def test_the_first_stop_leads_past_the_navigation(console: Window, client: httpx2.Client) -> None:
    add_sendgrid(client)
    page = console.open(LIST)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("main a").first).to_be_focused()


def test_escape_closes_the_menu_of_languages_and_gives_the_focus_back(console: Window) -> None:
    page = console.open(LIST)
    menu = page.locator(".menu")

    menu.press("Enter")
    expect(page.get_by_role("link", name="Deutsch")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")

    expect(page.get_by_role("link", name="Deutsch")).to_be_hidden()
    expect(menu).to_be_focused()


def test_a_click_outside_closes_the_menu_of_languages_and_escape_leaves_the_page_open(
    console: Window, client: httpx2.Client
) -> None:
    page = console.open(f"{LIST}/{add_sendgrid(client)}")
    language = page.get_by_role("link", name="Deutsch")
    page.locator(".menu").click()
    expect(language).to_be_visible()

    page.get_by_role("heading", level=1).click()

    expect(language).to_be_hidden()
    page.locator(".menu").click()
    page.keyboard.press("Escape")
    expect(language).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("SendGrid Production")


def test_another_page_has_the_focus_and_says_its_title(console: Window) -> None:
    page = console.open(LIST)

    tab_to(page, "link", "t")
    page.keyboard.press("Enter")

    expect(page).to_have_title("Your session · Integrations")
    expect(page.locator("main")).to_be_focused()
    expect(page.locator("#said")).to_have_text("Your session · Integrations")


def test_escape_closes_a_page_and_gives_the_focus_back_to_what_opened_it(
    console: Window, client: httpx2.Client
) -> None:
    add_sendgrid(client)
    page = console.open(LIST)

    tab_to(page, "link", "Add a connection")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Add a connection · Integrations")
    expect(page.locator("main")).to_be_focused()
    tab_to(page, "link", "Twilio")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Twilio")

    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Twilio", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Add a connection")).to_be_focused()


def test_escape_counts_as_soon_as_a_page_stands(console: Window) -> None:
    page = console.open("/console/en/add")
    page.evaluate(ESCAPE_AT_ONCE)

    tab_to(page, "link", "Twilio")
    page.keyboard.press("Enter")

    expect(page.locator("html")).to_have_attribute("data-escaped", "")
    expect(page.get_by_role("link", name="Twilio", exact=True)).to_be_focused()
    expect(page).to_have_title("Add a connection · Integrations")


def test_a_connection_is_added_with_an_error_first(console: Window, client: httpx2.Client) -> None:
    console.allow(422)
    page = console.open("/console/en/add/SENDGRID")
    tab_to(page, "textbox", "API key")
    page.keyboard.type("odd-key")
    tab_to(page, "button", "Save")
    page.keyboard.press("Enter")

    expect(page.locator("#alerts .alert")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Main")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("The connection is added")
    expect(page.get_by_role("heading", level=1)).to_have_text("Main")
    assert len(client.get("/en/api/integration").json()["result"]["data"]) == 1


def test_a_connection_is_edited_and_its_keys_replaced(
    console: Window, client: httpx2.Client
) -> None:
    integration = add_sendgrid(client, apiKey="SG." + "k" * 22 + "." + "y" * 43)
    page = console.open(f"{LIST}/{integration}")
    tab_to(page, "link", "Edit")
    page.keyboard.press("Enter")
    tab_to(page, "textbox", "Name")
    page.keyboard.type("Renamed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The changes are saved")
    expect(page.get_by_role("heading", level=1)).to_have_text("Renamed")

    tab_to(page, "link", "Replace keys")
    page.keyboard.press("Enter")
    tab_to(page, "textbox", "API key")
    page.keyboard.type("SG." + "m" * 22 + "." + "z" * 43)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The keys are replaced")


def test_a_connection_is_deleted(console: Window, client: httpx2.Client) -> None:
    integration = add(client, name="Twilio SMS", type="TWILIO", channel="SMS")
    page = console.open(f"{LIST}/{integration}/delete")
    tab_to(page, "textbox", "Type its name to be sure")
    page.keyboard.type("Twilio SMS")
    tab_to(page, "button", "Delete")
    page.keyboard.press("Space")

    expect(page.get_by_role("status")).to_contain_text("The connection is deleted")
    expect(page.get_by_role("heading", name="No connections yet")).to_be_visible()


def test_a_connection_is_checked_on_its_page_and_escape_leads_back_to_it_in_the_list(
    console: Window, client: httpx2.Client
) -> None:
    add_sendgrid(client)
    page = console.open(LIST)
    said = page.locator("#said").element_handle()
    tab_to(page, "link", "SendGrid Production")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("SendGrid Production")

    tab_to(page, "button", "Check now")
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_contain_text(NOTHING)
    expect(page.get_by_role("button", name="Check now")).to_be_focused()
    # The region that says it stood before there was anything to say, or nobody would hear it.
    told = f"SendGrid Production · {NOTHING}"
    assert said.evaluate("(e) => e.isConnected && e.textContent") == told

    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="SendGrid Production", exact=True)).to_be_focused()
