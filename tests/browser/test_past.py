"""History with its proof, and any day in the past."""

import re
from collections.abc import Callable, Iterator

import httpx2
import psycopg
import pytest
from playwright.sync_api import expect

from tests.support.service import Service
from tests.support.window import Window, add_sendgrid, sign_in, wait_until_signed

pytestmark = pytest.mark.slow
HISTORY = "/console/en/history"
FORGED = """
UPDATE integrations.events SET envelope = convert_to(
    replace(convert_from(envelope, 'UTF8'), 'SendGrid Production', 'SendGrid Pretended'), 'UTF8')
WHERE workspace_id = %s AND action = 'INTEGRATION_DISABLED'
"""


@pytest.fixture
def integration(client: httpx2.Client) -> str:
    """A connection that was added, renamed and switched off."""
    integration = add_sendgrid(client, apiKey="SG.a-key-that-nobody-may-see")
    path = f"/en/api/integration/{integration}"
    client.patch(path, json={"senderEmail": "ana@example.com"}).raise_for_status()
    client.post(f"{path}/toggle", json={"isActive": False}).raise_for_status()
    return integration


def test_who_switched_it_off_and_when_is_found_and_proved(
    console: Window, client: httpx2.Client, integration: str
) -> None:
    wait_until_signed(client, f"/en/api/integration/{integration}")
    page = console.open("/console/en/integrations")
    page.get_by_role("link", name="History SendGrid Production").click()
    expect(page.locator(".entry")).to_have_count(3)

    newest = page.locator(".entry").first
    expect(newest).to_contain_text("Switched off")
    expect(newest.locator(".who")).to_contain_text("127.0.0.1")
    expect(newest.locator("time")).to_have_attribute("title", re.compile(r"\d"))
    expect(newest.locator(".badge.good")).to_contain_text("Proved, checkpoint")
    row = page.locator(".entry").nth(1).get_by_role("row", name="Sender email")
    expect(row).to_contain_text("ana@example.com")
    assert "SG.a-key" not in page.content()


@pytest.mark.usefixtures("integration")
def test_filters_stand_in_the_address_and_are_cleared_by_one_link(
    console: Window,
) -> None:
    page = console.open(HISTORY)

    page.get_by_label("Action").select_option(label="Switched off")
    expect(page.locator(".entry")).to_have_count(1)
    expect(page).to_have_url(f"{console.origin}{HISTORY}?action=INTEGRATION_DISABLED")
    page.get_by_label("From").fill("2099-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()

    page.get_by_role("link", name="Show all").click()
    expect(page.locator(".entry")).to_have_count(3)


def test_older_entries_are_on_the_next_page(console: Window, client: httpx2.Client) -> None:
    for number in range(21):
        add_sendgrid(client, name=f"Campaign {number:02}")
    page = console.open(HISTORY)
    expect(page.locator(".entry")).to_have_count(20)

    page.get_by_role("link", name="Older").click()

    expect(page.locator(".entry")).to_have_count(1)
    expect(page.locator(".entry")).to_contain_text("Campaign 00")


@pytest.fixture
def database(service: Service) -> Iterator[psycopg.Connection]:
    """A session that the database obeys, whatever it changes."""
    with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as database:
        database.execute("SET session_replication_role = replica")
        yield database


def test_an_entry_that_nobody_has_signed_yet_says_so(
    console: Window, client: httpx2.Client, database: psycopg.Connection, integration: str
) -> None:
    wait_until_signed(client, f"/en/api/integration/{integration}")
    database.execute("LOCK TABLE integrations.audit_checkpoints IN SHARE MODE")
    client.post(f"/en/api/integration/{integration}/toggle", json={"isActive": True})
    page = console.open(HISTORY)

    expect(page.locator(".entry").first.locator(".badge")).to_have_text("Not signed yet")
    expect(page.locator(".entry").nth(1).locator(".badge")).to_contain_text("Proved")


def test_an_entry_that_was_changed_afterwards_is_red(
    console: Window,
    client: httpx2.Client,
    database: psycopg.Connection,
    integration: str,
    workspace: str,
) -> None:
    wait_until_signed(client, f"/en/api/integration/{integration}")
    database.execute(FORGED, (workspace,))
    database.commit()

    page = console.open(HISTORY)

    expect(page.locator("main .alert")).to_contain_text("not as they were signed")
    failed = page.locator(".entry.failed")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("SendGrid Pretended")
    expect(failed.locator(".badge.bad")).to_contain_text("Not as it was signed")


# ----- Another day -----
def test_a_day_in_the_past_shows_what_there_was_and_changes_nothing(
    console: Window, client: httpx2.Client, integration: str
) -> None:
    client.delete(f"/en/api/integration/{integration}").raise_for_status()
    add_sendgrid(client, name="Added since")
    history = client.get(f"/en/api/integration/{integration}/history").json()["result"]["data"]
    before = str(history[0]["position"] - 1)
    there = client.get("/en/api/integration", params={"asOf": before}).json()["result"]["data"]

    page = console.open(f"/console/en/integrations/{integration}/history")
    page.get_by_role("link", name="View as it was before").click()
    expect(page.locator(".banner")).to_contain_text("As it was at")
    row = page.get_by_role("row", name="Sender email")
    expect(row).to_contain_text(there[0]["senderEmail"])

    console.open(f"/console/en/past?asOf={before}")
    expect(page.locator(".card h3")).to_have_text([each["name"] for each in there])
    expect(page.locator(".card")).to_contain_text("Deleted since")
    expect(page.locator("main form[method=post]")).to_have_count(0)
    page.get_by_role("link", name="Back to now").click()
    expect(page.locator(".card h3")).to_have_text(["Added since"])


# ----- The proof of the log -----
def test_a_checkpoint_that_was_kept_is_compared_and_one_of_another_log_is_not(
    console: Window,
    client: httpx2.Client,
    new_window: Callable[..., Window],
    service: Service,
    integration: str,
) -> None:
    wait_until_signed(client, f"/en/api/integration/{integration}")
    with service.caller(f"another-{integration}") as other:
        wait_until_signed(other, f"/en/api/integration/{add_sendgrid(other)}")
        elsewhere = new_window()
        sign_in(elsewhere, other)
    foreign = elsewhere.open("/console/en/audit").locator("#note").input_value()
    page = console.open("/console/en/audit")
    kept = page.locator("#note").input_value()
    client.post(f"/en/api/integration/{integration}/toggle", json={"isActive": True})
    wait_until_signed(client, f"/en/api/integration/{integration}")

    page.get_by_label("Your checkpoint, all lines of it").fill(kept)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".verdict.proved")).to_be_focused()

    page.get_by_label("Your checkpoint, all lines of it").fill(foreign)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".verdict.foreign")).to_be_focused()


def test_the_export_is_a_file_with_the_bytes_of_the_api(
    console: Window, client: httpx2.Client, integration: str
) -> None:
    wait_until_signed(client, f"/en/api/integration/{integration}")
    page = console.open("/console/en/audit")

    with page.expect_download() as started:
        page.get_by_role("link", name="Export").click()

    exported = client.get("/en/api/audit/export").content
    assert started.value.path().read_bytes() == exported


# ----- On paper -----
def test_a_history_is_printed_whole_and_without_controls(
    console: Window, client: httpx2.Client
) -> None:
    add_sendgrid(client, senderEmail="news@example.com", senderName="News")
    page = console.open(HISTORY)
    folded = page.locator(".entry details table")
    expect(folded).to_be_hidden()

    page.emulate_media(media="print")

    expect(folded).to_be_visible()
    expect(page.locator(".entry .badge")).to_be_visible()
    for control in ("header", "#filters", ".entry .link"):
        expect(page.locator(control)).to_be_hidden()
