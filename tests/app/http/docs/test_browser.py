"""The docs page in a real browser that can reach no host but ours."""

import json
import re
from pathlib import Path

from msgspec import Struct

from tests.support.browser import needs_browser, open_page

pytestmark = needs_browser


class Visit(Struct, frozen=True):
    """What a browser made of a page: its text, its console, and the addresses that it asked for."""

    text: str
    console: list[str]
    asked: set[str]


def visit(address: str, folder: Path) -> Visit:
    """Open *address* in a new headless Chromium, and wait until the page is at rest."""
    network = folder / "network.json"
    browser = open_page(address, folder, f"--log-net-log={network}")
    return Visit(
        text=" ".join(re.sub(r"<[^>]*>", " ", browser.stdout).split()),
        console=[line for line in browser.stderr.splitlines() if "CONSOLE" in line],
        asked=asked_by_pages(network),
    )


def asked_by_pages(network: Path) -> set[str]:
    """Return the addresses that pages asked for; Chromium's own requests have no such initiator."""
    events = json.loads(network.read_text("utf-8"))["events"]
    requests = [event.get("params", {}) for event in events]
    return {r["url"] for r in requests if str(r.get("initiator", "")).startswith("http")}


def test_the_page_shows_the_api_without_the_internet(site: str, tmp_path: Path) -> None:
    # The fragment opens the operation, so that parameters, schemas and highlighting are drawn too.
    seen = visit(f"{site}/docs#/default/ThingsNumberFetchThing", tmp_path)

    assert "Things &lt;i&gt;&amp; more 1.2.3 OAS 3.1" in seen.text
    assert "All things." in seen.text
    assert "Fetch a thing" in seen.text
    assert "Try it out" in seen.text
    assert seen.console == []  # Chromium reports what the Content-Security-Policy stopped there
    assert f"{site}/docs/openapi.json" in seen.asked
    assert {address for address in seen.asked if not address.startswith(f"{site}/docs/")} == set()
