"""Adding a connection: the form of the catalogue, wrong input, and secrets that stay out."""

from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.window import Window

pytestmark = pytest.mark.slow
ADD = "/console/en/add"
TYPES = ("SENDGRID", "ELASTIC_EMAIL", "TWILIO", "NEXMO", "WEB_PUSH", "FIREBASE_FCM")
SEALED = "0123456789abcdef0123456789abcdef"


def type_of(client: httpx2.Client, name: str) -> dict[str, Any]:
    types = client.get("/en/api/integration-types").json()["result"]["data"]
    return next(each for each in types if each["type"] == name)


def field(page: Page, label: str) -> Locator:
    return page.locator(".field", has=page.get_by_text(label, exact=True)).first


def connections(client: httpx2.Client) -> list[dict[str, Any]]:
    return client.get("/en/api/integration").json()["result"]["data"]


def values_in(page: Page) -> str:
    """Return all that a page holds: its markup, and what stands in its fields."""
    script = "[...document.querySelectorAll('input, textarea')].map(e => e.value).join()"
    return page.content() + page.evaluate(script)


@pytest.mark.parametrize("name", TYPES)
def test_each_provider_is_added_by_the_form_that_the_catalogue_makes(
    console: Window, client: httpx2.Client, name: str
) -> None:
    type_ = type_of(client, name)
    page = console.open("/console/en/integrations")
    page.get_by_role("link", name="Add the first connection").click()
    page.get_by_role("link", name=type_["displayName"]).click()
    page.get_by_label("Name", exact=True).fill("Main")
    for each in type_["fields"]:
        place = field(page, each["label"])
        expect(place).to_contain_text(each["help"])
        needed = each.get("required", False)
        expect(place.locator("small")).to_have_text("needed to send" if needed else "optional")
        if needed:
            place.locator("[name]").fill(each["example"])

    console.allow(422)
    page.get_by_role("button", name="Save", exact=True).click()
    if name == "FIREBASE_FCM":  # the example is no whole document
        page.get_by_role("button", name="Save it as it is").click()

    expect(page.get_by_role("status")).to_contain_text("The connection is added")
    expect(page.get_by_role("heading", level=1)).to_have_text("Main")
    assert [each["type"] for each in connections(client)] == [name]
    for each in type_["fields"]:
        assert not each.get("secret") or each["example"] not in values_in(page)


def test_wrong_input_leads_to_its_fields_and_keeps_what_was_typed(
    console: Window, client: httpx2.Client
) -> None:
    console.allow(422)
    page = console.open(f"{ADD}/TWILIO")
    page.locator("[name=senderPhone]").fill("12")
    page.locator("[name='secret.apiSecret']").fill(SEALED)
    page.get_by_role("button", name="Save", exact=True).click()

    summary = page.locator("#alerts .alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_count(2)
    name = page.get_by_label("Name", exact=True)
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[name=senderPhone]")).to_have_value("12")
    expect(page.locator("[name='secret.apiSecret']")).to_have_value(SEALED)  # it was never away
    assert SEALED not in page.content()
    assert not any(SEALED in request.url for request in console.requests)
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == [
        *("", 0, 0)
    ]

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(name).to_be_focused()
    name.fill("Main")
    page.locator("[name=senderPhone]").fill("+447700900000")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The connection is added")
    assert [each["senderPhone"] for each in connections(client)] == ["+447700900000"]


def test_what_looks_unusual_is_saved_and_said_afterwards(
    console: Window, client: httpx2.Client
) -> None:
    page = console.open(f"{ADD}/SENDGRID")
    page.get_by_label("Name", exact=True).fill("Main")
    page.locator("[name='secret.apiKey']").fill("odd-key")

    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("status")).to_contain_text("The connection is added")
    expect(page.locator(".alert.odd")).to_contain_text("This does not look like a key")
    assert len(connections(client)) == 1
    page.reload()  # both are said once
    expect(page.get_by_role("heading", name="Main", exact=True)).to_be_visible()
    expect(page.locator(".alert.odd")).to_be_hidden()
    expect(page.get_by_role("status")).to_be_hidden()


def test_a_question_about_a_key_leaves_the_form_and_its_button_sends_it_as_it_is(
    console: Window, client: httpx2.Client
) -> None:
    console.allow(422)
    page, typed = console.open(f"{ADD}/SENDGRID"), f"Bearer {SEALED}"
    page.get_by_label("Name", exact=True).fill("Main")
    page.locator("[name='secret.apiKey']").fill(typed)
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator("#alerts .alert")).to_be_focused()
    expect(page.locator("#alerts .alert")).to_contain_text("begins like a header")
    expect(page.locator("[name='secret.apiKey']")).to_have_value(typed)
    expect(page.locator("[name='secret.apiKey']")).to_have_attribute("aria-invalid", "true")
    assert connections(client) == []

    page.get_by_role("button", name="Save it as it is").click()
    expect(page.get_by_role("status")).to_contain_text("The connection is added")
    assert len(connections(client)) == 1


def test_a_double_click_on_save_adds_one_connection(console: Window, client: httpx2.Client) -> None:
    page = console.open(f"{ADD}/SENDGRID")
    page.get_by_label("Name", exact=True).fill("Main")

    page.get_by_role("button", name="Save", exact=True).dblclick()

    expect(page.get_by_role("status")).to_contain_text("The connection is added")
    assert len(connections(client)) == 1


def test_a_key_that_is_a_file_fills_its_field_without_being_sent_twice(
    console: Window, client: httpx2.Client
) -> None:
    type_ = type_of(client, "FIREBASE_FCM")
    key = next(each for each in type_["fields"] if each["kind"] == "json")
    page = console.open(f"{ADD}/FIREBASE_FCM")
    page.get_by_label("Name", exact=True).fill("Main")

    page.locator("input[type=file]").set_input_files(
        {"name": "key.json", "mimeType": "application/json", "buffer": key["example"].encode()}
    )

    expect(page.locator(f"[name='secret.{key['name']}']")).to_have_value(key["example"])
    assert page.locator("input[type=file]").input_value().endswith("key.json")
    console.allow(422)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save it as it is").click()
    expect(page.get_by_role("status")).to_contain_text("The connection is added")
    assert len(connections(client)) == 1
