"""Providers of an operator's own files: one more is a form more, one less is a retired one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.accessibility import require_accessible
from tests.support.service import StartService
from tests.support.window import Window, add, sign_in

NewWindow = Callable[..., Window]
pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parents[1] / "providers"
LIST = "/console/en/integrations"


def test_a_file_more_is_a_provider_more_and_a_file_less_a_retired_one(
    start_service: StartService,
    own_database: Callable[[str], str],
    own_data_dir: Callable[[], Path],
    new_window: NewWindow,
) -> None:
    data_dir, database = own_data_dir(), own_database("console_catalogue")
    with (
        start_service(data_dir, database_url=database, providers=str(FOLDER)) as service,
        service.caller() as client,
    ):
        window = new_window(service.address)
        sign_in(window, client)
        page = window.open("/console/en/add")
        page.get_by_role("link", name="Postmark").click()
        page.get_by_label("Name", exact=True).fill("Receipts")
        page.get_by_label("Sender email").fill("receipts@example.com")
        expect(page.get_by_label("Server token")).to_have_attribute("type", "password")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("The connection is added")

    with start_service(data_dir, database_url=database) as service, service.caller() as client:
        add(client, name="Main", type="SENDGRID", channel="EMAIL")
        window = new_window(service.address)
        sign_in(window, client)
        page = window.open(LIST)
        card = page.locator(".card", has_text="Receipts")
        expect(card.locator(".badge")).to_have_text("Retired")
        card.get_by_role("link", name="Receipts", exact=True).click()
        expect(page.locator("main")).to_contain_text("This provider is not offered any more")
        page.get_by_role("button", name="Check now").click()
        expect(page.get_by_role("status")).to_contain_text("Could not check")
        expect(page.locator(".check.inconclusive strong")).to_have_text("Could not check")
        require_accessible(window)
        page.get_by_role("switch").click()
        expect(page.get_by_role("status")).to_contain_text("The connection is switched off")
