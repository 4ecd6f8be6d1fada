"""The console in Arabic and in English: direction, and what keeps its own direction."""

from collections.abc import Callable

import httpx2
import pytest
from playwright.sync_api import expect

from tests.support.window import Window, add_sendgrid

NewWindow = Callable[..., Window]
pytestmark = pytest.mark.slow


def test_a_page_is_in_the_language_of_its_path(console: Window, client: httpx2.Client) -> None:
    add_sendgrid(client, name="SendGrid (EU)", senderEmail="noreply@example.com")
    page = console.open("/console/ar/integrations")

    html = page.locator("html")
    expect(html).to_have_attribute("lang", "ar")
    expect(html).to_have_attribute("dir", "rtl")
    expect(page.locator(".card h3 bdi")).to_have_text("SendGrid (EU)")
    sender = page.locator(".sender bdi")
    expect(sender).to_have_text("noreply@example.com")
    assert sender.evaluate("(element) => getComputedStyle(element).direction") == "ltr"


def test_another_language_shows_the_same_page_and_turns_it(
    console: Window, client: httpx2.Client
) -> None:
    add_sendgrid(client)
    page = console.open("/console/en/integrations?q=send")
    brand = page.locator(".brand")
    width = page.evaluate("innerWidth")
    assert (brand.bounding_box() or {})["x"] < width / 2

    page.locator(".menu").click()
    page.get_by_role("link", name="العربية").click()

    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.locator(".card")).to_have_count(1)
    expect(page).to_have_url(f"{console.origin}/console/ar/integrations?q=send")
    assert (brand.bounding_box() or {})["x"] > width / 2


@pytest.mark.parametrize(("preferred", "title"), [("ar-EG", "ar"), ("de-AT", "de"), ("ja", "en")])
def test_a_new_visitor_is_asked_in_the_language_of_the_browser(
    new_window: NewWindow, preferred: str, title: str
) -> None:
    page = new_window(locale=preferred).open("/console")

    expect(page.locator("html")).to_have_attribute("lang", title)
