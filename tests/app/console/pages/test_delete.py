"""Deleting a connection: what it destroys, and the way back without keys."""

from collections.abc import Callable
from html import unescape
from typing import Any

import httpx2
import pytest

FormOf = Callable[[httpx2.Response], dict[str, str]]
Delete = Callable[[str], httpx2.Response]
SEALED = "0123456789abcdef" * 2


@pytest.fixture
def twilio(client: httpx2.Client) -> dict[str, Any]:
    """A connection that is switched off, with a name of several spaces."""
    body = {
        "name": "Twilio  é SMS",
        "type": "TWILIO",
        "channel": "SMS",
        "apiSecret": SEALED,
        "senderPhone": "+447700900000",
        "settings": {"region": "IE1"},
        "isActive": False,
    }
    return client.post("/en/api/integration", json=body).json()["result"]["data"]


@pytest.fixture
def path(twilio: dict[str, Any]) -> str:
    return f"/console/en/integrations/{twilio['id']}/delete"


@pytest.fixture
def delete(console: httpx2.Client, path: str, form_of: FormOf) -> Delete:
    """Send the form with the name that was typed."""
    return lambda typed: console.post(
        path, data={**form_of(console.get(path)), "confirmation": typed}
    )


def test_it_names_what_is_destroyed(console: httpx2.Client, path: str) -> None:
    page = console.get(path).text

    assert "nobody can bring them back" in page
    assert "<strong>Auth token or secret</strong>" in page
    assert "Switch it off instead" not in page  # it is off


def test_a_connection_that_is_on_can_be_switched_off_instead(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    overview = f"/console/en/integrations/{sendgrid['id']}"
    page = unescape(console.get(f"{overview}/delete").text)
    assert f'action="{overview}"' in page
    assert "Switch it off instead" in page

    assert console.post(overview, data={"isActive": "false"}).status_code == 303
    shown = client.get(f"/en/api/integration/{sendgrid['id']}").json()["result"]["data"]
    assert shown["isActive"] is False


@pytest.mark.parametrize("typed", ["", "Twilio", "twilio  é sms"])
def test_another_name_deletes_nothing(
    delete: Delete, client: httpx2.Client, twilio: dict[str, Any], typed: str
) -> None:
    answer = delete(typed)

    assert answer.status_code == 422
    assert "This is not its name, so nothing is deleted" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert client.get(f"/en/api/integration/{twilio['id']}").status_code == 200


@pytest.mark.parametrize("typed", ["Twilio  é SMS", " Twilio e\u0301 SMS "])
def test_its_name_deletes_it_and_it_can_be_added_again_without_keys(
    console: httpx2.Client, delete: Delete, twilio: dict[str, Any], form_of: FormOf, typed: str
) -> None:
    answer = delete(typed)

    assert answer.status_code == 303
    assert console.get(f"/console/en/integrations/{twilio['id']}").status_code == 404
    page = unescape(console.get(answer.headers["location"]).text)
    assert "The connection is deleted, its keys are destroyed" in page
    again = page.partition('href="/console/en/add/')[2].partition('"')[0]
    assert answer.headers["location"] == "/console/en/integrations"
    assert SEALED not in answer.headers["set-cookie"]
    offered = form_of(console.get(f"/console/en/add/{again}"))
    assert (offered["name"], offered["senderPhone"]) == (twilio["name"], twilio["senderPhone"])
    assert (offered["settings.region"], offered["isActive"]) == ("IE1", "false")


def test_who_may_not_delete_is_told_so(
    reader: httpx2.Client, twilio: dict[str, Any], path: str, form_of: FormOf
) -> None:
    page = reader.get(path)
    assert "<fieldset disabled>" in page.text
    assert "integrations:delete" in page.text

    answer = reader.post(path, data={**form_of(page), "confirmation": twilio["name"]})

    assert answer.status_code == 403
    assert reader.get(path).status_code == 200


@pytest.mark.parametrize("place", ["", "/edit", "/credentials", "/delete"])
def test_the_address_of_a_deleted_connection_leads_to_what_is_left_of_it(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any], place: str
) -> None:
    overview = f"/console/en/integrations/{sendgrid['id']}"
    assert client.delete(f"/en/api/integration/{sendgrid['id']}").status_code == 200
    [removed, *_] = client.get("/en/api/history-log").json()["result"]["data"]

    for answer in (console.get(f"{overview}{place}"), console.post(f"{overview}{place}", data={})):
        page = unescape(answer.text)
        assert answer.status_code == 404
        assert f"<bdi>{sendgrid['name']}</bdi>" in page
        assert "The connection is deleted, its keys are destroyed" in page
        assert f'class="button" href="{overview}/history"' in page
        assert f'href="{overview}/past?asOf={removed["position"] - 1}"' in page
    assert console.get(f"{overview}/past?asOf={removed['position'] - 1}").status_code == 200


def test_who_may_not_see_the_history_does_not_learn_that_it_was_there(
    reader: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    assert client.delete(f"/en/api/integration/{sendgrid['id']}").status_code == 200

    for integration in (sendgrid["id"], f"{sendgrid['id'][:-1]}0"):
        answer = reader.get(f"/console/en/integrations/{integration}")
        assert answer.status_code == 404
        assert "There is no such page" in answer.text
        assert sendgrid["name"] not in answer.text
