"""Names of 120 characters: no page grows by them, and none scrolls sideways."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, expect

from tests.support.window import Window, add, add_sendgrid, sign_in

NewWindow = Callable[..., Window]
pytestmark = pytest.mark.slow
PLACES = (
    *("integrations", "history", "past?asOf=2099-01-01", "defaults"),
    *(f"integrations/{{id}}{tab}" for tab in ("", "/edit", "/credentials", "/delete", "/history")),
    "integrations/{id}/past?asOf=2099-01-01",
)
NAMES = {
    "one word": "W" * 120,
    "words": "Messages of the spring season for all who agreed to them " * 2 + "1.",
    "Arabic": "رسائل الحملات الموسمية لجميع العملاء الذين وافقوا عليها " * 2,
}
LINES = 2


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize("kind", NAMES)
def test_a_long_name_is_cut_in_lists_and_wrapped_elsewhere(
    new_window: NewWindow, client: httpx2.Client, kind: str, locale: str, width: int
) -> None:
    window = new_window(viewport={"width": width, "height": 800})
    sign_in(window, client)
    name, short = NAMES[kind].strip(), add_sendgrid(client, name="Short")
    sender = f"{'a' * 60}@mail.example.com"
    id_ = add(client, name=name, type="SENDGRID", channel="EMAIL", senderEmail=sender)
    client.put("/en/api/integration-defaults/EMAIL", json={"integrationId": id_}).raise_for_status()

    for place in PLACES:
        page = window.open(f"/console/{locale}/{place.format(id=id_)}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
        for each in page.locator(f'a[href*="{id_}"] .cut').all():
            assert line_count(each) <= LINES, place

    page = window.open(f"/console/{locale}/integrations")
    heights = [height(page.locator(f"#card-{each}")) for each in (short, id_)]
    assert heights[1] - heights[0] < 2 * 24, heights
    page.locator(f"#switch-{id_}").click()
    status = page.get_by_role("status")
    expect(status.locator("bdi")).to_have_text(name)
    assert line_count(status.locator("bdi")) == 1


def line_count(element: Locator) -> float:
    """Return how many lines of text *element* is high."""
    line: Any = element.evaluate("(e) => parseFloat(getComputedStyle(e).lineHeight)")
    return round(height(element) / line)


def height(element: Locator) -> float:
    """Return the height of *element*."""
    return (element.bounding_box() or {})["height"]
