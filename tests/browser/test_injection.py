"""What people and providers write is text, and what gets into a page by a fault does nothing."""

import httpx2
import pytest
from playwright.sync_api import Request, expect

from tests.support.window import Window, add_sendgrid

pytestmark = pytest.mark.slow
LIST = "/console/en/integrations"
NOTHING = "Nothing to check yet: keys or fields are missing"
MARKUP = '<img src=x onerror="alert(1)"> {{7*7}} <b hx-get=/x hx-trigger=load>'


def test_names_are_shown_as_they_were_written(console: Window, client: httpx2.Client) -> None:
    add_sendgrid(client, name=MARKUP, senderName="<script>alert(1)</script> {{ nonce }}")

    page = console.open(LIST)

    expect(page.get_by_role("heading", level=3)).to_have_text(MARKUP)
    expect(page.locator(".sender")).to_have_text("<script>alert(1)</script> {{ nonce }}")
    expect(page.locator("main img, main b, main script")).to_have_count(0)


# What switches a connection off as soon as htmx takes note of it. It comes by the DOM: innerHTML is
# refused, as a test below shows.
BUTTON = """([path, integration, nonce]) => {
    const element = document.createElement("button");
    element.setAttribute("hx-post", path);
    element.setAttribute("hx-vals", JSON.stringify({integration, isActive: "false"}));
    element.setAttribute("hx-trigger", "load, click");
    if (nonce) element.setAttribute("hx-nonce", nonce);
    element.textContent = "Free keys";
    document.querySelector("#main").append(element);
    htmx.process(element);
}"""


def is_of_button(request: Request) -> bool:
    return request.method == "POST" and "isActive=false" in (request.post_data or "")


@pytest.mark.parametrize("nonce", [None, "a-nonce-of-another-page"])
def test_an_element_of_htmx_without_the_nonce_of_the_page_sends_nothing(
    console: Window, client: httpx2.Client, nonce: str | None
) -> None:
    console.allow("[hx-csp] blocked")
    id_ = add_sendgrid(client)
    page = console.open(LIST)

    page.evaluate(BUTTON, [LIST, id_, nonce])
    page.get_by_role("button", name="Free keys").click()
    page.get_by_role("button", name="Check").click()

    expect(page.get_by_role("status")).to_contain_text(NOTHING)
    assert not any(is_of_button(request) for request in console.requests)
    assert client.get(f"/en/api/integration/{id_}").json()["result"]["data"]["isActive"] is True


def test_it_is_the_nonce_that_holds_such_an_element_back(
    console: Window, client: httpx2.Client
) -> None:
    console.allow("TrustedHTML")  # nothing is put into the page either
    id_ = add_sendgrid(client)
    console.page.route(
        "**/hx-csp.min.js", lambda route: route.fulfill(content_type="text/javascript", body="")
    )
    page = console.open(LIST)

    with page.expect_request(is_of_button):
        page.evaluate(BUTTON, [LIST, id_, None])


def test_markup_of_a_script_is_refused(console: Window) -> None:
    page = console.open(LIST)

    refused = page.evaluate(
        """() => {
            try { document.querySelector("#main").innerHTML = "<b>x</b>"; return "taken"; }
            catch (error) { return error.name; }
        }"""
    )

    assert refused == "TypeError"
    assert any("TrustedHTML" in line for line in console.wrong)
    console.wrong.clear()


ATTACKS = {
    "a script": "const e = document.createElement('script'); e.text = 'window.x = 1'; add(e);",
    "a file": "const e = document.createElement('script'); e.setAttribute('src', '/x'); add(e);",
    "a handler": "document.body.setAttribute('onclick', 'window.x = 1'); document.body.click();",
    "an image": "const e = document.createElement('img'); e.src = 'https://evil.example'; add(e);",
    "a style": "document.querySelector('#main').setAttribute('style', 'color: red');",
    "a form": "const e = document.createElement('form'); e.action = 'https://evil.example'; add(e);"
    "e.submit();",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_is_put_into_a_page_runs_or_loads(console: Window, attack: str) -> None:
    page = console.open(LIST)

    page.evaluate(
        f"""() => {{
            const add = (element) => document.body.append(element);
            try {{ {ATTACKS[attack]} }} catch (error) {{ console.error(error.message); }}
        }}"""
    )
    page.wait_for_timeout(200)

    assert page.evaluate("window.x") is None
    assert any("Content Security Policy" in line or "Trusted" in line for line in console.wrong)
    console.wrong.clear()
