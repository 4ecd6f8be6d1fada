"""What the console may cost: bytes and requests always, times where somebody measures."""

import gzip
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import expect

from app.console.assets import read_assets
from tests.support.service import StartService
from tests.support.window import Window, add

LIST = "/console/en/integrations"
PROVIDERS = [("SENDGRID", "EMAIL"), ("TWILIO", "SMS"), ("ELASTIC_EMAIL", "EMAIL"), ("NEXMO", "SMS")]
PAGES = (
    *("integrations", "integrations?q=campaign", "add", "add/TWILIO", "session"),
    *("integrations/{id}", "integrations/{id}/edit", "integrations/{id}/credentials"),
    *("integrations/{id}/history", "history", "past?asOf=2099-01-01", "defaults", "audit"),
)


@pytest.fixture
def connections(client: httpx2.Client) -> list[str]:
    """The ids of 25 connections, which fill a page."""
    return [
        add(
            client,
            name=f"Campaign number {number:02}",
            type=PROVIDERS[number % 4][0],
            channel=PROVIDERS[number % 4][1],
            senderName=f"Example Brand {number}",
        )
        for number in range(25)
    ]


@pytest.mark.usefixtures("connections")
def test_a_full_page_is_small_and_needs_few_requests(console: Window) -> None:
    assert sum(len(each.compressed) for each in read_assets().values()) <= 22_000

    page = console.open(LIST)

    expect(page.locator(".card")).to_have_count(25)
    body = page.content().encode()
    assert len(body) <= 60_000
    assert len(gzip.compress(body)) <= 8_000
    page.wait_for_load_state("networkidle")
    asked = [each for each in console.requests if not each.url.startswith("data:")]
    assert len(asked) <= 6


FIRST_PAINT = """() => new Promise((resolve) => {
    const found = performance.getEntriesByName("first-contentful-paint");
    if (found.length) resolve(found[0].startTime);
    new PerformanceObserver((list) => list.getEntriesByName("first-contentful-paint")
        .forEach((entry) => resolve(entry.startTime))).observe({type: "paint", buffered: true});
})"""


@pytest.mark.slow
def test_times_are_printed_for_who_measures(
    console: Window,
    client: httpx2.Client,
    connections: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [f"load of this machine: {os.getloadavg()[0]:.1f}"]
    origin = {"Origin": console.origin}
    with httpx2.Client(base_url=console.origin, headers=origin) as browser:
        token = client.headers["authorization"].removeprefix("Bearer ")
        browser.post("/console/en/sign-in", data={"secret.token": token})
        for path in PAGES:
            times: list[float] = []
            answer = browser.get("/console/en/" + path.format(id=connections[0]))
            for _ in range(20):
                started = time.perf_counter()
                answer = browser.get("/console/en/" + path.format(id=connections[0]))
                times.append((time.perf_counter() - started) * 1000)
            lines.append(
                f"{path}: {answer.status_code}, median {statistics.median(times):.1f} ms, "
                f"{len(answer.content)} bytes"
            )

    page = console.open(LIST)
    lines.append(f"first paint, nothing cached: {page.evaluate(FIRST_PAINT):.0f} ms")
    page.reload()
    lines.append(f"first paint, assets cached: {page.evaluate(FIRST_PAINT):.0f} ms")
    times = []
    switch = page.get_by_role("switch").first
    for state in ["false", "true"] * 5:
        started = time.perf_counter()
        switch.click()
        page.locator(f".switch[aria-checked={state}]").first.wait_for()
        expect(switch).to_have_attribute("aria-checked", state)
        times.append((time.perf_counter() - started) * 1000)
    lines.append(f"switch to new state: median {statistics.median(times):.0f} ms")
    with capsys.disabled():
        print("", *lines, sep="\n")  # noqa: T201 — this is what it is for


@pytest.mark.slow
def test_the_start_with_and_without_the_console_is_printed(
    start_service: StartService,
    own_database: Callable[[str], str],
    own_data_dir: Callable[[], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    data_dir, database = own_data_dir(), own_database("console_start")
    times: dict[str, list[float]] = {"on": [], "off": []}
    for _ in range(4):
        for console, taken in times.items():
            started = time.perf_counter()
            with start_service(data_dir, database_url=database, console=console) as service:
                taken.append(time.perf_counter() - started)
                status = httpx2.get(f"{service.address}/console").status_code
            assert status == (303 if console == "on" else 404)
    with capsys.disabled():
        for console, taken in times.items():
            print(f"start with the console {console}: {min(taken):.2f} s at best")  # noqa: T201
