"""What goes wrong, and what is seldom seen, is accessible, too."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest
from playwright.sync_api import expect

from tests.support.accessibility import require_accessible
from tests.support.scene import LOCALES, Scene, open_scene
from tests.support.service import Service
from tests.support.window import Window, wait_until_signed
from tests.support.worker import Worker

pytestmark = pytest.mark.slow
MAX_CHECKS = 60  # a minute
FORGED = """
UPDATE integrations.events SET envelope = convert_to(
    replace(convert_from(envelope, 'UTF8'), 'Twilio SMS', 'Twilio XXX'), 'UTF8')
WHERE stream = %s AND action = 'INTEGRATION_ADDED'
"""


@contextmanager
def database_of(scene: Scene) -> Generator[psycopg.Connection]:
    """A session that the database obeys, whatever it changes; what is not committed is undone."""
    with psycopg.connect(scene.service.environment["INTEGRATIONS_DATABASE_URL"]) as database:
        database.execute("SET session_replication_role = replica")
        yield database


def press_switch(scene: Scene, change: LiteralString, undo: LiteralString = "") -> None:
    """Press a switch while *change* stands in the database; see the alert."""
    scene.open("integrations")
    with database_of(scene) as database:
        database.execute(change)
        if undo:
            database.commit()
        try:
            scene.page.get_by_role("switch").first.click()
            expect(scene.page.locator("#alerts .alert")).to_be_visible()
        finally:
            database.execute(undo or "SELECT")


def changed_entry(scene: Scene) -> None:
    wait_until_signed(scene.client, f"/en/api/integration/{scene.ids[0]}")
    with database_of(scene) as database:
        database.execute(FORGED, (scene.ids[0],))
    expect(scene.of_one("/history").locator(".entry.failed")).to_have_count(1)


def too_many_checks(scene: Scene) -> None:
    for _ in range(MAX_CHECKS):
        scene.client.post(f"/en/api/integration/{scene.ids[1]}/check")
    scene.open("integrations").locator(f"#check-{scene.ids[1]}").click()
    expect(scene.page.locator("#alerts [data-again]")).to_be_visible()


def page_without_a_database(scene: Scene) -> None:
    with database_of(scene) as database:
        database.execute("LOCK TABLE integrations.integration_view IN ACCESS EXCLUSIVE MODE")
        scene.open("integrations")
        expect(scene.page.locator("#alerts [data-again]")).to_be_visible()


def key_in_a_public_field(scene: Scene) -> None:
    scene.of_one("/edit").locator("[name=name]").fill("SG." + "k" * 22 + "." + "y" * 43)
    scene.send()


def added_with_warnings(scene: Scene) -> None:
    page = scene.open("add/SENDGRID")
    page.locator("[name=name]").fill("Main")
    page.locator("[name='secret.apiKey']").fill("odd-key")
    page.locator("form[data-guarded] button.primary").click()
    expect(page.locator("#warnings")).to_be_focused()


def deleted(scene: Scene) -> None:
    page = scene.of_one("/delete")
    page.locator("#confirmation").fill("Twilio SMS")
    page.locator("form[data-guarded] .danger").click()
    expect(page.locator(".again a")).to_be_visible()


def deleted_in_history(scene: Scene) -> None:
    scene.client.delete(f"/en/api/integration/{scene.ids[0]}").raise_for_status()
    scene.of_one("/history")


def filled_accesses(scene: Scene) -> None:
    whoami = scene.client.get("/en/api/whoami").json()["result"]["data"]
    worker = Worker(scene.service, whoami["workspaceId"])
    with worker.client:
        worker.lease(scene.ids[0], json={"purpose": "campaign:c-1"}).raise_for_status()
        assert worker.lease(scene.ids[2]).is_client_error  # it is switched off
        worker.client.post("/en/api/integration-defaults/SMS/lease")
    expect(scene.open("accesses").locator(".entry")).to_have_count(3)


def chosen_default(scene: Scene) -> None:
    page = scene.open("defaults")
    page.locator("#integration-SMS").select_option(index=1)
    page.locator("#set-SMS").click()
    expect(page.get_by_role("status")).not_to_be_empty()


def compared(scene: Scene, verdict: str) -> None:
    wait_until_signed(scene.client, f"/en/api/integration/{scene.ids[0]}")
    page = scene.open("audit")
    kept = page.locator("#note").input_value()
    page.locator("#kept").fill(kept if verdict == "proved" else "no checkpoint")
    page.locator("main form .primary").click()
    expect(page.locator(f".verdict.{verdict}")).to_be_focused()


def question_of_a_link(scene: Scene) -> None:
    link = scene.client.post(f"/{scene.locale}/api/console-link").json()["result"]["data"]["url"]
    scene.window.context.clear_cookies()
    scene.page.goto(link)
    expect(scene.page.locator("[name=agreed]")).to_be_focused()


def session_over(scene: Scene) -> None:
    page = scene.open("add/TWILIO")
    page.locator("[name=name]").fill("Main")
    scene.window.context.clear_cookies()
    page.locator("form[data-guarded] button.primary").click()
    expect(page.locator("#token")).to_be_visible()


def wrong_token(scene: Scene) -> None:
    scene.window.context.clear_cookies()
    page = scene.open("sign-in")
    page.locator("#token").fill("nonsense")
    page.locator("main button").click()
    expect(page.locator("[data-focus]")).to_be_focused()


FAULT: tuple[LiteralString, LiteralString] = (
    "ALTER FUNCTION integrations.record_batch RENAME TO gone",
    "ALTER FUNCTION integrations.gone RENAME TO record_batch",
)
STATES: dict[str, Callable[[Scene], Any]] = {
    "list: an error of ours": lambda scene: press_switch(scene, *FAULT),
    "list: away": lambda scene: press_switch(scene, "SELECT integrations.lock_log()"),
    "list: too many": too_many_checks,
    "list: deleted": deleted,
    "no list: away": page_without_a_database,
    "added: warnings": added_with_warnings,
    "history: changed": changed_entry,
    "history of what is deleted": deleted_in_history,
    "past: no such moment": lambda scene: scene.open("past?asOf=nonsense"),
    "accesses: some": filled_accesses,
    "defaults: one": chosen_default,
    "audit: proved": lambda scene: compared(scene, "proved"),
    "audit: no checkpoint": lambda scene: compared(scene, "unsigned"),
    "edit: a key for all to read": key_in_a_public_field,
    "edit: from a link": lambda scene: scene.of_one("/edit?name=Another"),
    "sign-in: question of a link": question_of_a_link,
    "sign-in: session over": session_over,
    "sign-in: wrong": wrong_token,
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("state", STATES)
def test_trouble_is_accessible(
    console: Window, client: httpx2.Client, service: Service, state: str, locale: str
) -> None:
    console.allow(400, 422, 429, 500, 503)

    STATES[state](open_scene(console, client, service, locale))

    if not state.startswith("sign-in: question"):  # a link is in the language of the browser
        expect(console.page.locator("html")).to_have_attribute("lang", locale)
    require_accessible(console)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_page_that_needs_a_permission_is_accessible(reader: Window, locale: str) -> None:
    reader.allow(403)
    page = reader.open(f"/console/{locale}/history")
    expect(page.locator("#alerts .alert")).to_be_visible()
    require_accessible(reader)
