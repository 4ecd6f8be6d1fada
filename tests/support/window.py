"""A window of a browser that a test looks at, which notes all that goes wrong in it."""

from typing import Any
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

from tests.support.waiting import wait_until


class Window:
    """One window with its cookies, at *origin*.

    `allowed` are failures that a test expects, `origins` whom its pages may ask, and `wrong` is
    what no page may do: an error in the browser's console, which every violation of the content
    security policy is, an error of a script, or a request to another origin.
    """

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        self.origin = origin
        self.page: Page = context.new_page()
        self.allowed: set[str] = set()
        self.origins = {origin}
        self.requests: list[Request] = []
        self.wrong: list[str] = []
        context.on("console", self._note_message)
        context.on("weberror", lambda error: self.wrong.append(f"script: {error.error}"))
        context.on("request", self._note_request)

    def allow(self, *expected: int | str) -> None:
        """Let the browser's console say that a response has a status, or what contains a text."""
        statuses = {f"with a status of {each}" for each in expected if isinstance(each, int)}
        self.allowed |= statuses | {each for each in expected if isinstance(each, str)}

    def open(self, path: str) -> Page:
        """Open the page at *path*, and return it."""
        self.page.goto(self.origin + path)
        return self.page

    def _note_message(self, message: ConsoleMessage) -> None:
        expected = any(text in message.text for text in self.allowed)
        if message.type in {"error", "warning"} and not expected:
            self.wrong.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        self.requests.append(request)
        parts = urlsplit(request.url)
        known = parts.scheme == "data" or f"{parts.scheme}://{parts.netloc}" in self.origins
        if not known:
            self.wrong.append(f"request to {request.url}")


def sign_in(window: Window, client: httpx2.Client) -> None:
    """Sign *window* in with the token of *client*, without a page."""
    with httpx2.Client(base_url=window.origin, headers={"Origin": window.origin}) as browser:
        token = client.headers["authorization"].removeprefix("Bearer ")
        browser.post("/console/en/sign-in", data={"secret.token": token})
        ((name, value),) = browser.cookies.items()
    window.context.add_cookies(
        [
            {
                "name": name,
                "value": value,
                "domain": "127.0.0.1",
                "path": "/console",
                "httpOnly": True,
                "sameSite": "Strict",
            }
        ]
    )


def add(client: httpx2.Client, **fields: Any) -> str:
    """Add an integration with *fields* by the API; return its id."""
    response = client.post("/en/api/integration", json=fields)
    assert response.status_code == 201, response.text
    return response.json()["result"]["data"]["id"]


def add_sendgrid(client: httpx2.Client, **fields: Any) -> str:
    """Add a connection to SendGrid; return its id."""
    sendgrid = {"name": "SendGrid Production", "type": "SENDGRID", "channel": "EMAIL"}
    return add(client, **{**sendgrid, **fields})


def wait_until_signed(client: httpx2.Client, path: str) -> None:
    """Wait until a checkpoint has the newest event of the integration at *path* of the API."""
    history = client.get(f"{path}/history").json()["result"]["data"]
    newest = {"positions": str(history[0]["position"])}

    def is_signed() -> bool:
        response = client.get("/en/api/audit/proof/inclusions", params=newest)
        return response.is_success and not response.json()["result"]["data"]["notSigned"]

    wait_until(is_signed)
