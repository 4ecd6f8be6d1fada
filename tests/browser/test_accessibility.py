"""Every page and state, in two languages, light and dark, on a phone and a desk: for everybody."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect

from tests.support.accessibility import require_accessible
from tests.support.scene import LOCALES, Scene, open_scene
from tests.support.service import Service
from tests.support.window import Window, add_sendgrid

NewWindow = Callable[..., Window]
pytestmark = pytest.mark.slow


def wrong_add(scene: Scene) -> None:
    scene.open("add/TWILIO").locator("[name=senderPhone]").fill("12")
    scene.send()


def wrong_edit(scene: Scene) -> None:
    scene.of_one("/edit").locator("[name=name]").fill("")
    scene.send()


def conflict(scene: Scene) -> None:
    scene.of_one("/edit").locator("[name=name]").fill("Mine")
    name = {"name": f"Theirs in {scene.locale}"}
    scene.client.patch(f"/en/api/integration/{scene.ids[0]}", json=name).raise_for_status()
    scene.send()


def switched(scene: Scene) -> None:
    scene.open("integrations").get_by_role("switch").first.click()
    expect(scene.page.get_by_role("status")).not_to_be_empty()


def menu(scene: Scene) -> None:
    scene.open("integrations").locator(".menu").click()


def cut(scene: Scene) -> None:
    page = scene.open("integrations")
    scene.window.context.set_offline(True)
    page.get_by_role("switch").first.click()
    expect(page.locator("#alerts .alert")).to_be_visible()
    scene.window.context.set_offline(False)


STATES: dict[str, Callable[[Scene], Any]] = {
    "list": lambda scene: scene.open("integrations"),
    "list: nothing fits": lambda scene: scene.open("integrations?q=nonsense"),
    "list: switched": switched,
    "list: no network": cut,
    "menu of languages": menu,
    "session": lambda scene: scene.open("session"),
    "no such page": lambda scene: scene.open("nothing"),
    "add: providers": lambda scene: scene.open("add"),
    "add: Twilio": lambda scene: scene.open("add/TWILIO"),
    "add: FCM": lambda scene: scene.open("add/FIREBASE_FCM"),
    "add: wrong": wrong_add,
    "overview": lambda scene: scene.of_one(),
    "edit": lambda scene: scene.of_one("/edit"),
    "edit: wrong": wrong_edit,
    "edit: conflict": conflict,
    "credentials": lambda scene: scene.of_one("/credentials"),
    "delete": lambda scene: scene.of_one("/delete"),
    "history": lambda scene: scene.open("history"),
    "history: nothing fits": lambda scene: scene.open(
        "history?startDate=2020-01-01&endDate=2020-01-02"
    ),
    "history: nobody of that name": lambda scene: scene.open("history?userId=nobody"),
    "history of one": lambda scene: scene.of_one("/history"),
    "past: which day": lambda scene: scene.open("past"),
    "past": lambda scene: scene.open("past?asOf=2099-01-01"),
    "past of one": lambda scene: scene.of_one("/past?asOf=2099-01-01"),
    "accesses": lambda scene: scene.open("accesses"),
    "defaults": lambda scene: scene.open("defaults"),
    "audit": lambda scene: scene.open("audit"),
}
STRANGERS: dict[str, str] = {
    "sign-in": "/console/{locale}/sign-in",
    "link, used": "/console/enter#" + "c" * 43,
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("state", STATES)
def test_a_page_is_accessible(
    console: Window, client: httpx2.Client, service: Service, state: str, locale: str
) -> None:
    console.allow(400, 404, 412, 422, "net::ERR_INTERNET_DISCONNECTED", "Failed to fetch")

    STATES[state](open_scene(console, client, service, locale))

    expect(console.page.locator("html")).to_have_attribute("lang", locale)
    require_accessible(console)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_first_page_of_a_new_workspace_is_accessible(console: Window, locale: str) -> None:
    console.open(f"/console/{locale}/integrations")
    require_accessible(console)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("state", STRANGERS)
def test_a_page_for_strangers_is_accessible(new_window: NewWindow, state: str, locale: str) -> None:
    window = new_window(locale=locale)
    window.allow(422)
    window.open(STRANGERS[state].format(locale=locale))
    expect(window.page.get_by_role("heading", level=1)).to_be_visible()
    require_accessible(window)


@pytest.mark.parametrize("place", ["integrations", "integrations/{id}", "integrations/{id}/edit"])
def test_a_page_of_a_viewer_is_accessible(
    reader: Window, client: httpx2.Client, place: str
) -> None:
    reader.open("/console/en/" + place.format(id=add_sendgrid(client)))
    require_accessible(reader)
