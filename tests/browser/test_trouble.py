"""What a person sees if something is away or broken, and how they go on."""

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.reliability.postgres import Postgres
from tests.support.service import Service, StartService
from tests.support.window import Window, add_sendgrid, sign_in

NewWindow = Callable[..., Window]
pytestmark = pytest.mark.slow
SEE_OTHER, TOO_MANY, UNAVAILABLE = 303, 429, 503
LIST = "/console/en/integrations"


def test_a_cut_network_says_so_and_the_buttons_work_again_afterwards(
    console: Window, client: httpx2.Client
) -> None:
    console.allow("net::ERR_INTERNET_DISCONNECTED", "Failed to fetch")
    add_sendgrid(client)
    page = console.open(LIST)
    switch = page.get_by_role("switch", name="SendGrid Production")

    console.context.set_offline(True)
    switch.click()
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached")
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(switch).not_to_have_attribute("aria-busy", "true")
    console.context.set_offline(False)
    switch.click()

    expect(switch).to_have_attribute("aria-checked", "false")
    expect(page.get_by_role("alert")).to_be_empty()


@pytest.fixture(scope="module")
def postgres(own_data_dir: Callable[[], Path]) -> Iterator[Postgres]:
    server = Postgres(own_data_dir())
    server.create()
    yield server
    server.stop("immediate")


@pytest.fixture(scope="module")
def own_service(
    start_service: StartService,
    own_data_dir: Callable[[], Path],
    postgres: Postgres,
) -> Iterator[Service]:
    """A service on `postgres`, which a test stops."""
    with start_service(own_data_dir(), database_url=postgres.dsn) as service:
        yield service


def test_an_error_of_ours_keeps_the_page_and_shows_the_id_to_say_to_us(
    new_window: NewWindow, own_service: Service, postgres: Postgres, workspace: str
) -> None:
    window = new_window(own_service.address)
    window.allow(500)
    with own_service.caller(workspace) as client:
        add_sendgrid(client)
        sign_in(window, client)
    page = window.open(LIST)
    with psycopg.connect(postgres.dsn, autocommit=True) as database:
        database.execute("ALTER FUNCTION integrations.record_batch RENAME TO gone")
    try:
        page.get_by_role("switch").click()

        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("Something went wrong on our side")
        expect(alert.locator(".alert")).to_be_focused()
        expect(alert.locator(".alert")).to_be_in_viewport()
        assert alert.locator("code").inner_text() in own_service.log_file.read_text()
        expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
        expect(page).to_have_url(window.origin + LIST)
    finally:
        with psycopg.connect(postgres.dsn, autocommit=True) as database:
            database.execute("ALTER FUNCTION integrations.gone RENAME TO record_batch")
    page.get_by_role("switch").click()
    expect(page.get_by_role("status")).to_contain_text("The connection is switched off")


def try_again(page: Page) -> None:
    """Press the button until the service has found its database again."""
    for _ in range(30):
        with page.expect_response(lambda response: response.status != SEE_OTHER) as answer:
            page.get_by_role("button", name="Try again").click()
        if answer.value.status != UNAVAILABLE:
            return
    pytest.fail("the database is not found again")


def test_a_database_that_is_away_is_a_banner_and_the_list_stays(
    new_window: NewWindow, own_service: Service, postgres: Postgres, workspace: str
) -> None:
    window = new_window(own_service.address)
    window.allow(503)
    with own_service.caller(workspace) as client:
        add_sendgrid(client)
        sign_in(window, client)
        page = window.open(LIST)
        switch = page.get_by_role("switch", name="SendGrid Production")

        postgres.stop()
        switch.click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("The service is away for a moment")
        expect(alert.locator("[data-countdown]")).to_have_text("")
        expect(switch).to_have_attribute("aria-checked", "true")

        postgres.start()
        try_again(page)
        expect(page.get_by_role("alert")).to_be_empty()
        expect(switch).to_have_attribute("aria-checked", "false")


def test_a_form_stays_while_the_database_is_away_and_is_saved_once_afterwards(
    new_window: NewWindow, own_service: Service, postgres: Postgres, workspace: str
) -> None:
    window = new_window(own_service.address)
    window.allow(503)
    with own_service.caller(workspace) as client:
        sign_in(window, client)
        page = window.open("/console/en/add/SENDGRID")
        page.get_by_label("Name", exact=True).fill("Main")
        page.locator("[name='secret.apiKey']").fill("SG.odd")
        save = page.get_by_role("button", name="Save", exact=True)

        postgres.stop()
        save.click()
        expect(page.get_by_role("alert")).to_contain_text("The service is away for a moment")
        expect(page.get_by_label("Name", exact=True)).to_have_value("Main")
        expect(page.locator("[name='secret.apiKey']")).to_have_value("SG.odd")
        postgres.start()
        try_again(page)

        expect(page.get_by_role("status")).to_contain_text("The connection is added")
        added = client.get("/en/api/integration").json()["result"]["data"]
        assert [each["name"] for each in added] == ["Main"]


@contextmanager
def asking_without_pause(client: httpx2.Client) -> Generator[None]:
    """Use up all requests that the workspace of *client* may make, as long as the block runs."""
    is_refused, is_over = threading.Event(), threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            if client.get("/en/api/integration?limit=1").status_code == TOO_MANY:
                is_refused.set()

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            assert is_refused.wait(60)
            yield
        finally:
            is_over.set()
            asking.result()


def test_a_form_stays_while_a_workspace_asks_too_often_and_is_saved_once_afterwards(
    start_service: StartService,
    own_database: Callable[[str], str],
    own_data_dir: Callable[[], Path],
    new_window: NewWindow,
) -> None:
    database = own_database("console_rate_limit")
    with (
        start_service(
            own_data_dir(), database_url=database, rate_limit="5", rate_burst="30"
        ) as service,
        service.caller() as client,
    ):
        window = new_window(service.address)
        window.allow(429)
        sign_in(window, client)
        page = window.open("/console/en/add/SENDGRID")
        page.get_by_label("Name", exact=True).fill("Main")
        page.locator("[name='secret.apiKey']").fill("SG.odd")

        with asking_without_pause(client):
            page.get_by_role("button", name="Save", exact=True).click()
            alert = page.get_by_role("alert")
            expect(alert).to_contain_text("Too many requests")
            expect(alert.locator("[data-countdown]")).to_have_text("")
            expect(page.get_by_label("Name", exact=True)).to_have_value("Main")
            expect(page.locator("[name='secret.apiKey']")).to_have_value("SG.odd")
            alert.get_by_role("button", name="Try again").click()
            expect(alert.locator("[data-countdown]")).to_have_text("1 sec")
        page.wait_for_timeout(3000)  # both pages that follow make 11 requests of the API
        alert.get_by_role("button", name="Try again").click()

        expect(page.get_by_role("status")).to_contain_text("The connection is added")
        added = client.get("/en/api/integration").json()["result"]["data"]
        assert [each["name"] for each in added] == ["Main"]


def test_a_session_that_is_over_in_the_middle_of_a_form_leads_back_to_what_was_typed(
    console: Window, client: httpx2.Client
) -> None:
    sealed = "0123456789abcdef0123456789abcdef"
    page = console.open("/console/en/add/TWILIO")
    page.get_by_label("Name", exact=True).fill("Main")
    page.locator("[name=senderPhone]").fill("+447700900000")
    page.locator("[name='secret.apiSecret']").fill(sealed)
    console.context.clear_cookies()

    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Token", exact=True).fill(client.headers["authorization"])
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Twilio")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Main")
    expect(page.locator("[name=senderPhone]")).to_have_value("+447700900000")
    expect(page.locator("[name='secret.apiSecret']")).to_have_value("")
    assert not any(sealed in request.url for request in console.requests)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The connection is added")
