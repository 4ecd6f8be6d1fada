"""What somebody sees who may not do all, and what of another workspace: nothing."""

import re
from collections.abc import Callable

import httpx2
import pytest
from playwright.sync_api import expect

from tests.support.service import Service
from tests.support.window import Window, add_sendgrid, sign_in

NewWindow = Callable[..., Window]
pytestmark = pytest.mark.slow
SENDABLE = "main form[method=post] :is(button, input:not([type=hidden]), select, textarea):enabled"
LIST = "/console/en/integrations"


def test_a_viewer_sees_the_list_and_which_permission_lacks(
    reader: Window, client: httpx2.Client
) -> None:
    add_sendgrid(client)
    page = reader.open(LIST)

    for control in ("Add a connection", "Check SendGrid Production"):
        expect(page.get_by_role("button", name=control)).to_be_disabled()
    switch = page.get_by_role("switch", name="SendGrid Production")
    expect(switch).to_be_disabled()
    expect(switch).to_have_attribute("title", re.compile("integrations:edit"))
    expect(page.locator("main")).to_contain_text("integrations:create")
    posts = page.locator("main form[method=post] button:enabled")
    expect(posts).to_have_count(0)


@pytest.mark.parametrize("place", ["", "/edit", "/credentials", "/delete"])
def test_a_viewer_can_send_no_form_of_a_connection(
    reader: Window, client: httpx2.Client, place: str
) -> None:
    page = reader.open(f"{LIST}/{add_sendgrid(client)}{place}")

    expect(page.get_by_role("heading", level=1)).to_have_text("SendGrid Production")
    expect(page.locator(SENDABLE)).to_have_count(0)
    expect(page.locator("main")).to_contain_text("Needs the permission")


def test_without_the_permission_to_audit_the_history_names_it(reader: Window) -> None:
    reader.allow(403)
    page = reader.open("/console/en/history")

    expect(page.locator("main")).to_contain_text("audit:view")
    expect(page.locator(".entry")).to_have_count(0)


def test_a_connection_of_another_workspace_is_no_page(
    console: Window, new_window: NewWindow, service: Service
) -> None:
    console.allow(404)
    with service.caller("another-workspace") as other:
        integration = add_sendgrid(other)
        elsewhere = new_window()
        sign_in(elsewhere, other)
    expect(elsewhere.open(f"{LIST}/{integration}").get_by_role("heading", level=1)).to_be_visible()

    page = console.open(f"{LIST}/{integration}")

    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page.get_by_role("link", name="To the connections").click()
    expect(page.get_by_role("heading", name="No connections yet")).to_be_visible()
