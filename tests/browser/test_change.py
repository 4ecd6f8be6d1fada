"""Changing a connection: two people at the same time, text that is not lost, keys, and deleting."""

import re
import time
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.support.window import Window, add, add_sendgrid

pytestmark = pytest.mark.slow
TWILIO = {"type": "TWILIO", "channel": "SMS", "senderPhone": "+447700900000"}
KEYS = {"apiKey": "AC" + "0" * 32, "apiSecret": "5ec2e7" + "1" * 26}
SEALED = "0123456789abcdef0123456789abcdef"


def path_of(integration: str, place: str = "") -> str:
    return f"/console/en/integrations/{integration}{place}"


def shown(client: httpx2.Client, integration: str) -> dict[str, Any]:
    return client.get(f"/en/api/integration/{integration}").json()["result"]["data"]


# ----- Two people at the same time -----
@pytest.fixture
def conflict(console: Window, client: httpx2.Client) -> tuple[Page, str]:
    """The page that shows a name of mine and a sender of somebody else."""
    console.allow(412)
    integration = add_sendgrid(client, senderEmail="first@example.com")
    page = console.open(path_of(integration, "/edit"))
    page.get_by_label("Name", exact=True).fill("Mine")
    theirs = {"name": "Theirs", "senderEmail": "theirs@example.com"}
    client.patch(f"/en/api/integration/{integration}", json=theirs).raise_for_status()

    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("heading", level=2)).to_contain_text("It was changed while you edited")
    expect(page.get_by_role("heading", level=2)).to_be_focused()
    row = page.get_by_role("row", name="Name")
    expect(row).to_contain_text("Mine")
    expect(row).to_contain_text("Theirs")
    assert shown(client, integration)["name"] == "Theirs"
    return page, integration


def test_keep_mine_saves_what_i_typed_and_nothing_else(
    conflict: tuple[Page, str], client: httpx2.Client
) -> None:
    page, integration = conflict
    page.get_by_role("button", name="Keep mine").click()

    expect(page.get_by_role("status")).to_contain_text("The changes are saved")
    saved = shown(client, integration)
    assert (saved["name"], saved["senderEmail"]) == ("Mine", "theirs@example.com")


def test_take_theirs_saves_nothing(conflict: tuple[Page, str], client: httpx2.Client) -> None:
    page, integration = conflict
    page.get_by_role("link", name="Take theirs").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Theirs")
    assert shown(client, integration)["name"] == "Theirs"


# ----- What is typed and not saved -----
class Questions:
    """The questions of the browser, all answered in the same way."""

    def __init__(self, page: Page) -> None:
        self.leave = False
        self.kinds: list[str] = []
        page.on("dialog", self._answer)

    def _answer(self, dialog: Dialog) -> None:
        self.kinds.append(dialog.type)
        if self.leave:
            dialog.accept()
        else:
            dialog.dismiss()


def test_what_is_not_saved_is_not_left_without_a_question(
    console: Window, client: httpx2.Client
) -> None:
    integration = add_sendgrid(client)
    page = console.open(path_of(integration, "/edit"))
    questions = Questions(page)
    name = page.get_by_label("Name", exact=True)

    page.keyboard.press("Escape")  # nothing is typed yet
    expect(page).to_have_url(console.origin + path_of(integration))
    assert questions.kinds == []

    console.open(path_of(integration, "/edit"))
    name.fill("Mine")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="History").first.click()
    assert questions.kinds == ["confirm"] * 3
    expect(name).to_have_value("Mine")
    questions.leave = True
    page.reload()
    assert questions.kinds[3:] == ["beforeunload"]
    expect(name).to_have_value("SendGrid Production")

    name.fill("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The changes are saved")
    page.get_by_role("link", name="Connections").first.click()
    expect(page.get_by_role("heading", name="Connections", exact=True)).to_be_visible()
    assert len(questions.kinds) == 4


def test_what_was_refused_is_not_left_without_a_question_either(
    console: Window, client: httpx2.Client
) -> None:
    console.allow(422)
    page = console.open(path_of(add_sendgrid(client), "/edit"))
    questions = Questions(page)
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_label("Sender name").fill("Example")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#alerts .alert")).to_be_focused()

    page.keyboard.press("Escape")

    assert questions.kinds == ["confirm"]
    expect(page.get_by_label("Sender name")).to_have_value("Example")


# ----- Keys -----
def test_one_of_two_keys_is_replaced_and_the_other_stays(
    console: Window, client: httpx2.Client
) -> None:
    integration = add(client, name="Twilio SMS", **TWILIO, **KEYS)
    page = console.open(path_of(integration))
    page.get_by_role("link", name="Replace keys").click()
    secret = page.locator("[name='secret.apiSecret']")
    expect(secret).to_have_value("")
    expect(secret).to_have_attribute("type", "password")
    expect(secret).to_have_attribute("autocomplete", "new-password")

    secret.fill(SEALED)
    page.get_by_role("button", name="Replace", exact=True).click()

    expect(page.get_by_role("status")).to_contain_text("The keys are replaced")
    path = f"/en/api/integration/{integration}/credentials"
    keys = client.get(path).json()["result"]["data"]["credentials"]
    assert {key["field"]: key["version"] for key in keys} == {"apiKey": 1, "apiSecret": 2}
    states = page.get_by_role("region", name="Keys").locator("dd")
    expect(states.filter(has_text=re.compile("version .1"))).to_have_count(1)
    expect(states.filter(has_text=re.compile("version .2"))).to_have_count(1)
    assert SEALED not in page.content()
    assert not any(SEALED in request.url for request in console.requests)


# ----- Deleting -----
def test_deleting_needs_the_name_and_offers_to_add_it_again_without_keys(
    console: Window, client: httpx2.Client
) -> None:
    integration = add(client, name="Twilio SMS", **TWILIO, **KEYS)
    page = console.open(path_of(integration, "/delete"))
    expect(page.get_by_role("button", name="Switch it off instead")).to_be_visible()
    delete = page.get_by_role("button", name="Delete", exact=True)
    expect(delete).to_be_disabled()
    page.get_by_label("Type its name to be sure").fill("Twilio")
    expect(delete).to_be_disabled()
    page.get_by_label("Type its name to be sure").fill("Twilio SMS")

    delete.click()

    expect(page.get_by_role("status")).to_contain_text("The connection is deleted")
    expect(page.locator(".card")).to_have_count(0)
    page.get_by_role("link", name="Add it again, without keys").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Twilio SMS")
    expect(page.locator("[name=senderPhone]")).to_have_value("+447700900000")
    for name in KEYS:
        expect(page.locator(f"[name='secret.{name}']")).to_have_value("")
    assert KEYS["apiSecret"] not in page.content()


def test_what_was_deleted_is_found_on_another_day(console: Window, client: httpx2.Client) -> None:
    integration = add(client, name="Twilio SMS", **TWILIO, **KEYS)
    add_sendgrid(client)
    time.sleep(1.1)  # the field for a time knows seconds
    page = console.open(path_of(integration, "/delete"))
    page.get_by_label("Type its name to be sure").fill("Twilio SMS")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The connection is deleted")
    history = client.get(f"/en/api/integration/{integration}/history").json()["result"]["data"]

    page.get_by_role("link", name="View another day").click()
    page.get_by_label("Day and time").fill(history[0]["createdAt"][:19])
    page.get_by_role("button", name="Show").first.click()

    expect(page.locator(".card")).to_have_count(2)
    card = page.locator(".card", has_text="Twilio SMS")
    expect(card).to_contain_text("Deleted since")
    card.get_by_role("link", name="Twilio SMS").click()
    expect(page.get_by_role("row", name="Sender")).to_contain_text("+447700900000")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Deleted")
    assert not any(key in page.content() for key in KEYS.values())
    page.get_by_role("link", name="History").last.click()
    expect(page.locator(".entry")).to_have_count(2)
