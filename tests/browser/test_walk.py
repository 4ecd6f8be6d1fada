"""One walk through the console, short enough for every run of the tests."""

import httpx2
from playwright.sync_api import expect

from tests.support.window import Window, add, add_sendgrid, wait_until_signed

LIST = "/console/en/integrations"
TWILIO = {
    "name": "Twilio SMS",
    "type": "TWILIO",
    "channel": "SMS",
    "senderPhone": "+447700900000",
    "apiKey": "AC" + "0123456789abcdef" * 2,
    "apiSecret": "5ec2e7" + "1" * 26,
}


def test_a_token_leads_to_the_connections_of_its_workspace(
    visitor: Window, client: httpx2.Client, workspace: str
) -> None:
    visitor.allow(422)
    page = visitor.open(LIST)
    page.get_by_label("Token").fill("nonsense")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".alert")).to_contain_text("This token is not valid")
    expect(page.get_by_label("Token")).to_have_value("")

    page.get_by_label("Token").fill(client.headers["authorization"])
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="No connections yet")).to_be_visible()
    expect(page.get_by_title("Workspace")).to_have_text(workspace)
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == [
        *["", 0, 0]
    ]


def test_a_search_keeps_what_fits(console: Window, client: httpx2.Client) -> None:
    add(client, **TWILIO)
    add_sendgrid(client)
    page = console.open(LIST)
    expect(page.get_by_role("switch")).to_have_count(2)

    page.get_by_role("searchbox").fill("twil")
    page.keyboard.press("Enter")

    expect(page.get_by_role("switch")).to_have_count(1)
    expect(page).to_have_url(f"{console.origin}{LIST}?q=twil")


def test_the_space_bar_switches_a_connection_off_and_the_focus_stays(
    console: Window, client: httpx2.Client
) -> None:
    path = f"/en/api/integration/{add(client, **TWILIO)}"
    page = console.open(LIST)
    switch = page.get_by_role("switch", name="Twilio SMS")
    expect(switch).to_have_attribute("aria-checked", "true")

    switch.focus()
    page.keyboard.press("Space")

    expect(page.get_by_role("status")).to_contain_text("The connection is switched off")
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(switch).to_be_focused()
    assert client.get(path).json()["result"]["data"]["isActive"] is False
    history = client.get(f"{path}/history").json()["result"]["data"]
    assert [entry["action"] for entry in history].count("INTEGRATION_DISABLED") == 1


def test_a_check_that_finds_nothing_out_is_no_failure(
    console: Window, client: httpx2.Client
) -> None:
    add(client, **TWILIO)
    page = console.open(LIST)

    page.get_by_role("button", name="Check Twilio SMS").click()

    expect(page.get_by_role("status")).to_contain_text("Could not check")
    expect(page.locator(".card")).to_contain_text("Could not check")


def test_twilio_is_added_after_its_errors_are_corrected(
    console: Window, client: httpx2.Client
) -> None:
    console.allow(422)
    page = console.open(LIST)
    page.get_by_role("link", name="Add the first connection").click()
    page.get_by_role("link", name="Twilio").click()
    page.locator("[name=senderPhone]").fill("12")
    page.locator("[name='secret.apiSecret']").fill(TWILIO["apiSecret"])
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#alerts .alert")).to_be_focused()
    assert TWILIO["apiSecret"] not in page.content()

    page.get_by_label("Name", exact=True).fill("Twilio SMS")
    for name in ("senderPhone", "secret.apiKey", "secret.apiSecret"):
        page.locator(f"[name='{name}']").fill(TWILIO[name.removeprefix("secret.")])
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("status")).to_contain_text("The connection is added")
    (added,) = client.get("/en/api/integration").json()["result"]["data"]
    assert added["senderPhone"] == TWILIO["senderPhone"]


def test_who_switched_a_connection_off_is_proved_and_the_day_before_shows_it_on(
    console: Window, client: httpx2.Client
) -> None:
    path = f"/en/api/integration/{add(client, **TWILIO)}"
    client.post(f"{path}/toggle", json={"isActive": False}).raise_for_status()
    wait_until_signed(client, path)
    page = console.open(LIST)

    page.get_by_role("link", name="History Twilio SMS").click()
    newest = page.locator(".entry").first
    expect(newest).to_contain_text("Switched off")
    expect(newest.locator(".badge.good")).to_contain_text("Proved, checkpoint")

    page.get_by_role("link", name="View as of this").last.click()
    expect(page.get_by_role("row", name="State")).to_contain_text("On")
    expect(page.locator("main form[method=post]")).to_have_count(0)
    page.get_by_role("link", name="Back to now").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")


def test_signing_out_ends_the_session(console: Window) -> None:
    page = console.open("/console/en/session")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert console.context.cookies() == []

    console.open(LIST)

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
