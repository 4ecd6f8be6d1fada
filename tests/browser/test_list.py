"""The list of connections: to find and to switch."""

import httpx2
import pytest
from playwright.sync_api import expect

from tests.support.window import Window, add, add_sendgrid

pytestmark = pytest.mark.slow
LIST = "/console/en/integrations"


def test_a_new_workspace_says_what_to_do_first(console: Window) -> None:
    page = console.open(LIST)

    expect(page.get_by_role("heading", name="No connections yet")).to_be_visible()
    expect(page.get_by_role("link", name="Add the first connection")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_count(0)


def test_a_search_stands_in_the_address_for_reload_and_back(
    console: Window, client: httpx2.Client
) -> None:
    add_sendgrid(client)
    add(client, name="Twilio SMS", type="TWILIO", channel="SMS")
    page = console.open(LIST)
    search, cards = page.get_by_role("searchbox"), page.locator(".card")

    search.fill("twil")
    search.press("Enter")
    expect(cards).to_have_count(1)
    page.reload()
    expect(cards).to_have_count(1)
    expect(search).to_have_value("twil")

    search.fill("nonsense")
    search.press("Enter")
    expect(page.get_by_role("heading", name="No connection fits")).to_be_visible()
    page.go_back()
    expect(cards).to_have_count(1)
    expect(search).to_have_value("twil")
    page.go_back()
    expect(cards).to_have_count(2)
    expect(page).to_have_url(console.origin + LIST)
    page.go_forward()
    expect(cards).to_have_count(1)


def test_a_filter_counts_at_once_and_is_cleared_by_one_link(
    console: Window, client: httpx2.Client
) -> None:
    add_sendgrid(client)
    page = console.open(LIST)

    page.get_by_label("Channel").select_option("SMS")

    expect(page.get_by_role("heading", name="No connection fits")).to_be_visible()
    expect(page).to_have_url(f"{console.origin}{LIST}?channel=SMS")
    page.get_by_role("link", name="Show all").click()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_label("Channel")).to_have_value("")


def test_the_next_page_keeps_the_search_and_the_order(
    console: Window, client: httpx2.Client
) -> None:
    for number in range(27):
        add_sendgrid(client, name=f"Campaign {number:02}")
    page = console.open(f"{LIST}?q=campaign&sort=name")
    expect(page.locator(".card")).to_have_count(25)

    page.get_by_role("link", name="Next page").click()

    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator(".card").last).to_contain_text("Campaign 26")
    expect(page.get_by_role("heading", level=2)).to_have_text(
        "Email \u20682\u2069 of \u206827\u2069 are on this page"
    )
    page.get_by_role("link", name="Campaign 26", exact=True).click()
    page.get_by_role("navigation", name="You are here").get_by_role("link").click()
    expect(page.locator(".card").last).to_contain_text("Campaign 26")
    expect(page.get_by_role("searchbox")).to_have_value("campaign")


def test_a_switch_is_one_entry_of_the_history_and_back_leads_before_the_list(
    console: Window, client: httpx2.Client
) -> None:
    path = f"/en/api/integration/{add_sendgrid(client)}/history"
    page = console.open("/console/en/session")
    page.get_by_role("link", name="Connections").click()
    switch = page.get_by_role("switch", name="SendGrid Production")

    for state in ("false", "true"):
        switch.press("Space")
        expect(switch).to_have_attribute("aria-checked", state)
        expect(switch).to_be_focused()

    actions = [entry["action"] for entry in client.get(path).json()["result"]["data"]]
    assert actions == ["INTEGRATION_ENABLED", "INTEGRATION_DISABLED", "INTEGRATION_ADDED"]
    expect(page).to_have_url(console.origin + LIST)
    page.go_back()
    expect(page.get_by_role("heading", name="Your session")).to_be_visible()


def test_a_switch_and_a_check_leave_the_list_where_it_was(
    console: Window, client: httpx2.Client
) -> None:
    for number in range(18):
        add(client, name=f"Twilio {number:02}", type="TWILIO", channel="SMS")
    page = console.open(LIST)

    for role, name in (("switch", "Twilio 17"), ("button", "Check Twilio 17")):
        control = page.get_by_role(role, name=name)  # pyright: ignore[reportArgumentType]
        control.scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        control.click()
        expect(page.get_by_role("status")).to_contain_text("Twilio 17 ·")
        expect(page.get_by_role("status")).to_be_in_viewport()
        expect(control).to_be_focused()
        expect(control).to_be_in_viewport()
        assert page.evaluate("scrollY") >= before > 0
    page.get_by_role("link", name="Twilio 17", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Twilio 17")
    assert page.evaluate("scrollY") == 0
