"""The console as a browser without JavaScript sees it: pages, forms, a cookie."""

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.support.service import Service


@pytest.fixture
def workspace() -> str:
    """The name of a workspace that nobody else uses."""
    return f"console-{uuid4().hex}"


@pytest.fixture
def client(service: Service, workspace: str) -> Iterator[httpx2.Client]:
    """A client of the API with the token of an administrator of `workspace`."""
    with service.caller(workspace) as client:
        yield client


@pytest.fixture
def visitor(service: Service) -> Iterator[httpx2.Client]:
    """A browser that has no session."""
    with httpx2.Client(base_url=service.address, headers={"Origin": service.address}) as visitor:
        yield visitor


@pytest.fixture
def console(visitor: httpx2.Client, client: httpx2.Client) -> httpx2.Client:
    """The browser of an administrator of `workspace`, signed in."""
    sign_in(visitor, client)
    return visitor


def sign_in(visitor: httpx2.Client, client: httpx2.Client) -> None:
    """Sign *visitor* in with the token of *client*."""
    token = client.headers["authorization"].removeprefix("Bearer ")
    answer = visitor.post("/console/en/sign-in", data={"secret.token": token})
    assert answer.status_code == 303, answer.text


@pytest.fixture
def reader(service: Service, workspace: str) -> Iterator[httpx2.Client]:
    """The browser of somebody who may only look at `workspace`, signed in."""
    origin = {"Origin": service.address}
    with (
        service.caller(workspace, role="VIEWER") as client,
        httpx2.Client(base_url=service.address, headers=origin) as visitor,
    ):
        sign_in(visitor, client)
        yield visitor


@pytest.fixture
def sendgrid(client: httpx2.Client) -> dict[str, Any]:
    """A connection to SendGrid, as the API shows it."""
    return add(client, name="SendGrid Production", type="SENDGRID", channel="EMAIL")


@pytest.fixture
def twilio(client: httpx2.Client) -> dict[str, Any]:
    """A connection to Twilio, as the API shows it."""
    return add(client, name="Twilio SMS", type="TWILIO", channel="SMS", senderPhone="+447700900000")


def add(client: httpx2.Client, **fields: Any) -> dict[str, Any]:
    """Add an integration with *fields* by the API."""
    answer = client.post("/en/api/integration", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["result"]["data"]


class FormReader(HTMLParser):
    """Reads what a browser would send of the form on a page that must not be lost."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._is_inside = self._is_chosen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._is_chosen = tag == "option" and "selected" in given
        if tag == "form":
            self._is_inside = "data-guarded" in given
        is_sent = "name" in given and (given.get("type") != "checkbox" or "checked" in given)
        if self._is_inside and is_sent:
            self.values[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._is_chosen:
            self.values[[*self.values][-1]] = data.strip()
            self._is_chosen = False


def read_form(page: httpx2.Response) -> dict[str, str]:
    """Return what a browser would send of the form on *page*."""
    reader = FormReader()
    reader.feed(page.text)
    return reader.values


@pytest.fixture
def form_of() -> Callable[[httpx2.Response], dict[str, str]]:
    """Read a form: `form_of(page)`."""
    return read_form
