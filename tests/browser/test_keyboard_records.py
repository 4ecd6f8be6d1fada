"""Defaults, history, other days and the proof by keyboard alone."""

from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import expect

from tests.support.keyboard import tab_to
from tests.support.window import Window, add_sendgrid, wait_until_signed

pytestmark = pytest.mark.slow
LIST = "/console/en/integrations"


def test_a_default_is_chosen_and_removed(console: Window, client: httpx2.Client) -> None:
    add_sendgrid(client, name="First")
    second = add_sendgrid(client, name="Second")
    page = console.open(LIST)
    tab_to(page, "link", "Defaults")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Defaults · Integrations")

    tab_to(page, "combobox", "Another connection")
    page.keyboard.type("Sec")
    tab_to(page, "button", "Set as default Email")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The default is set")
    expect(page.get_by_role("button", name="Set as default Email")).to_be_focused()
    (chosen,) = client.get("/en/api/integration-defaults").json()["result"]["data"]
    assert chosen["integrationId"] == second

    tab_to(page, "button", "Remove default Email")
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_contain_text("The channel has no default now")
    expect(page.locator("main")).to_be_focused()  # the button is gone


def test_the_history_is_filtered_and_leads_to_the_past_and_back(
    console: Window, client: httpx2.Client
) -> None:
    path = f"/en/api/integration/{add_sendgrid(client)}"
    fields = {"senderName": "Ana", "senderEmail": "ana@example.com", "name": "Renamed"}
    client.patch(path, json=fields).raise_for_status()
    client.post(f"{path}/toggle", json={"isActive": False}).raise_for_status()
    page = console.open(LIST)
    tab_to(page, "link", "History Renamed")
    page.keyboard.press("Enter")
    expect(page.locator(".entry")).to_have_count(4)

    tab_to(page, "combobox", "Action")
    page.keyboard.type("Switched off")  # each letter chooses, and the button counts
    tab_to(page, "button", "Show")
    page.keyboard.press("Enter")
    expect(page.locator(".entry")).to_have_count(1)
    expect(page.get_by_role("button", name="Show")).to_be_focused()
    tab_to(page, "link", "View as of this Switched off")
    page.keyboard.press("Enter")

    expect(page.locator(".banner")).to_contain_text("As it was at")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Escape")  # back to now
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    expect(page).to_have_title("Renamed · Integrations")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="History Renamed")).to_be_focused()


def test_another_day_is_asked_for_and_left(console: Window, client: httpx2.Client) -> None:
    add_sendgrid(client)
    page = console.open(LIST)
    tab_to(page, "link", "View another day")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Which day?")).to_be_visible()

    position = client.get("/en/api/history-log").json()["result"]["data"][0]["position"]
    tab_to(page, "textbox", "or position in the log")
    page.keyboard.type(str(position))
    page.keyboard.press("Enter")
    expect(page.locator(".card h3")).to_have_text("SendGrid Production")
    tab_to(page, "link", "SendGrid Production")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="State")).to_contain_text("On")

    tab_to(page, "link", "Back to now")
    page.keyboard.press("Enter")
    expect(page.get_by_role("switch")).to_be_visible()


def test_a_checkpoint_is_copied_and_compared_and_the_log_exported(
    console: Window, client: httpx2.Client
) -> None:
    wait_until_signed(client, f"/en/api/integration/{add_sendgrid(client)}")
    page = console.open(LIST)
    tab_to(page, "link", "Proof")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Proof · Integrations")

    tab_to(page, "textbox", "Checkpoint")
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+C")
    tab_to(page, "textbox", "Your checkpoint, all lines of it")
    page.keyboard.press("Control+V")
    tab_to(page, "button", "Compare")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict.proved")).to_be_focused()

    with page.expect_download() as started:
        tab_to(page, "link", "Export")
        page.keyboard.press("Enter")
    exported = client.get("/en/api/audit/export").content
    assert Path(started.value.path()).read_bytes() == exported
