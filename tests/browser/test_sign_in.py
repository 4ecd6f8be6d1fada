"""Coming in and going out, and what other sites can do with the session: nothing."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect

from tests.support.service import Service
from tests.support.serving import Quiet, serving
from tests.support.window import Window, add_sendgrid, sign_in

pytestmark = pytest.mark.slow
LIST = "/console/en/integrations"


class OtherSite(ThreadingHTTPServer):
    """A server at another port, which gives each request the same page."""

    daemon_threads = True
    page = ""


class Handler(Quiet, BaseHTTPRequestHandler):
    server: OtherSite  # pyright: ignore[reportIncompatibleVariableOverride] — it serves no other

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.server.page.encode())


@pytest.fixture
def other_site() -> Iterator[OtherSite]:
    with serving(OtherSite(("127.0.0.1", 0), Handler)) as server:
        yield server


def new_link(client: httpx2.Client) -> str:
    return client.post("/en/api/console-link").json()["result"]["data"]["url"]


def test_a_link_signs_in_after_one_click_and_its_code_is_in_no_address(
    visitor: Window, client: httpx2.Client, workspace: str, service: Service
) -> None:
    link = new_link(client)
    code = link.partition("#")[2]
    page = visitor.page

    page.goto(link)
    question = page.get_by_role("heading", level=1)
    expect(question).to_contain_text("Sign in to workspace")
    expect(question).to_contain_text(workspace)
    assert code not in page.url
    assert visitor.context.cookies() == []
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="No connections yet")).to_be_visible()
    assert code not in page.content()
    assert not any(code in request.url.partition("#")[0] for request in visitor.requests)
    assert code not in service.log_file.read_text()
    page.go_back()
    expect(page.get_by_role("heading", name="No connections yet")).to_be_visible()
    assert code not in page.url


def test_a_link_counts_once(visitor: Window, client: httpx2.Client) -> None:
    visitor.allow(422)
    link = new_link(client)
    page = visitor.page
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="No connections yet")).to_be_visible()

    page.goto(link)

    expect(page.get_by_role("heading", name="This link is used or too old")).to_be_visible()
    expect(page.locator("main")).to_contain_text("from the people who run this service")
    expect(page.locator("main code")).to_have_text("integrations console --workspace NAME")


def test_a_link_from_another_site_lands_on_the_page_signed_in(
    console: Window, other_site: OtherSite, workspace: str
) -> None:
    other_site.page = f'<link rel="icon" href="data:,"><a href="{console.origin}{LIST}">there</a>'
    origin = f"http://localhost:{other_site.server_port}"
    console.origins.add(origin)

    console.page.goto(origin)
    console.page.get_by_text("there").click()

    expect(console.page.get_by_title("Workspace")).to_have_text(workspace)
    expect(console.page).to_have_url(console.origin + LIST)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_form_of_another_site_or_port_is_refused_and_changes_nothing(
    console: Window, client: httpx2.Client, other_site: OtherSite, host: str
) -> None:
    console.allow(403)
    id_ = add_sendgrid(client)
    other_site.page = f"""<link rel="icon" href="data:,">
        <form method="post" action="{console.origin}{LIST}">
        <input name="integration" value="{id_}"><input name="isActive" value="false">
        <button>win</button></form>"""
    origin = f"http://{host}:{other_site.server_port}"
    console.origins.add(origin)

    page = console.page
    page.goto(origin)
    page.get_by_text("win").click()

    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    shown: dict[str, Any] = client.get(f"/en/api/integration/{id_}").json()["result"]["data"]
    assert shown["isActive"] is True


def test_the_page_that_was_wanted_comes_after_signing_in(
    visitor: Window, client: httpx2.Client
) -> None:
    page = visitor.open(f"{LIST}?q=twil")
    page.get_by_label("Token").fill(client.headers["authorization"])
    page.keyboard.press("Enter")

    expect(page.get_by_role("searchbox")).to_have_value("twil")
    expect(page).to_have_url(f"{visitor.origin}{LIST}?q=twil")


def test_a_tab_that_waits_goes_on_once_another_has_signed_in(
    visitor: Window, client: httpx2.Client
) -> None:
    page = visitor.open(f"{LIST}?q=twil")
    expect(page.get_by_label("Token")).to_be_visible()
    sign_in(visitor, client)

    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.get_by_role("searchbox")).to_have_value("twil")


def test_a_token_stands_in_no_address_and_no_page(visitor: Window, client: httpx2.Client) -> None:
    visitor.allow(422)
    token = client.headers["authorization"].removeprefix("Bearer ")
    page = visitor.open("/console/en/sign-in")
    page.get_by_label("Token").fill(token[:-9])
    page.keyboard.press("Enter")
    expect(page.locator(".alert")).to_be_focused()

    assert token[:-9] not in page.content()
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Connections", exact=True)).to_be_visible()

    assert token not in page.content()
    assert not any(token[:-9] in request.url for request in visitor.requests)
