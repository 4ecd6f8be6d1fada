"""The docs page in a real browser that can reach no host but ours."""

from playwright.sync_api import expect

from tests.support.browser import WAITING, needs_browser, open_browser

pytestmark = needs_browser


def test_the_page_shows_the_api_without_the_internet(site: str) -> None:
    asked: set[str] = set()
    console: list[str] = []
    with open_browser() as browser:
        page = browser.new_page()
        page.set_default_timeout(WAITING)
        page.on("request", lambda request: asked.add(request.url))
        page.on("console", lambda message: console.append(message.text))

        # The fragment opens the operation: parameters, schemas and highlighting are drawn too.
        page.goto(f"{site}/docs#/default/ThingsNumberFetchThing")

        expect(page.get_by_text("Try it out")).to_be_visible(timeout=WAITING)
        page.wait_for_load_state("networkidle")
        text = " ".join(page.locator("body").inner_text().split())
    assert "Things <i>& more 1.2.3 OAS 3.1" in text
    assert "All things." in text
    assert "Fetch a thing" in text
    assert console == []  # Chromium reports what the Content-Security-Policy stopped there
    assert f"{site}/docs/openapi.json" in asked
    assert {each for each in asked if not each.startswith((f"{site}/docs", "data:"))} == set()
