"""Editing a connection: only what was changed, and not over somebody else's change."""

from collections.abc import Callable
from html import unescape
from typing import Any

import httpx2
import pytest

FormOf = Callable[[httpx2.Response], dict[str, str]]
Api = Callable[[], dict[str, Any]]
Save = Callable[..., httpx2.Response]


@pytest.fixture
def twilio(client: httpx2.Client) -> dict[str, Any]:
    """A connection with a setting."""
    body = {
        "name": "Twilio SMS",
        "type": "TWILIO",
        "channel": "SMS",
        "senderPhone": "+447700900000",
        "settings": {"region": "IE1"},
    }
    return client.post("/en/api/integration", json=body).json()["result"]["data"]


@pytest.fixture
def path(twilio: dict[str, Any]) -> str:
    return f"/console/en/integrations/{twilio['id']}/edit"


@pytest.fixture
def stored(client: httpx2.Client, twilio: dict[str, Any]) -> Api:
    """What the API has of the connection."""
    address = f"/en/api/integration/{twilio['id']}"
    return lambda: client.get(address).json()["result"]["data"]


@pytest.fixture
def save(console: httpx2.Client, path: str, form_of: FormOf) -> Save:
    """Send the form with other values: `save({"name": "Mine"})`; `meanwhile` runs before."""

    def save(changes: dict[str, str], meanwhile: Callable[[], object] | None = None) -> Any:
        form = {**form_of(console.get(path)), **changes}
        if meanwhile:
            meanwhile()
        return console.post(path, data=form)

    return save


def test_the_form_holds_what_is_stored_and_no_key(
    console: httpx2.Client, path: str, form_of: FormOf
) -> None:
    form = form_of(console.get(path))

    shown = {name: value for name, value in form.items() if not name.startswith("_")}
    assert shown == {
        "name": "Twilio SMS",
        "senderPhone": "+447700900000",
        "settings.region": "IE1",
        "settings.accountSid": "",
    }


def test_only_what_was_changed_is_saved(client: httpx2.Client, save: Save, stored: Api) -> None:
    answer = save({"senderPhone": "+44 7700 900001"})

    overview = f"/console/en/integrations/{stored()['id']}"
    assert (answer.status_code, answer.headers["location"]) == (303, overview)
    assert stored()["senderPhone"] == "+447700900001"
    history = client.get(f"/en/api/integration/{stored()['id']}/history").json()["result"]["data"]
    assert [*history[0]["details"]["changes"]] == ["senderPhone"]


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({"senderPhone": ""}, {"senderPhone": None}),
        ({"settings.region": ""}, {"settings": None}),
        ({"settings.region": "AU1"}, {"settings": {"region": "AU1"}}),
        (
            {"settings.accountSid": "AC" + "0" * 32},
            {"settings": {"region": "IE1", "accountSid": "AC" + "0" * 32}},
        ),
    ],
)
def test_what_is_cleared_is_null_and_settings_change_as_a_whole(
    save: Save, stored: Api, changes: dict[str, str], after: dict[str, object]
) -> None:
    before = {"settings": None, **stored()}
    answer = save(changes)

    assert answer.status_code == 303, answer.text
    found = {"settings": None, **stored(), "updatedAt": before["updatedAt"]}
    assert found == {**before, **after}


def test_nothing_changed_is_nothing_saved(save: Save, stored: Api) -> None:
    before = stored()

    assert save({}).status_code == 303
    assert stored() == before


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "", "This must have 1 to 120 characters"),
        ("senderPhone", "12", "a short code has 3 to 8 digits"),
        ("settings.accountSid", "nonsense", "This must look like AC"),
    ],
)
def test_wrong_input_keeps_the_form_and_the_version_that_it_showed(
    save: Save, form_of: FormOf, field: str, value: str, says: str
) -> None:
    answer = save({field: value})

    assert answer.status_code == 422
    assert f'<a href="#{field.replace(".", "-")}">' in answer.text
    assert says in answer.text
    form = form_of(answer)
    assert form[field] == value
    assert form["_was.name"] == "Twilio SMS"
    assert form["_etag"]


def test_a_change_of_somebody_else_stands_next_to_mine_and_mine_can_be_kept(
    console: httpx2.Client, client: httpx2.Client, save: Save, stored: Api, form_of: FormOf
) -> None:
    address, path = f"/en/api/integration/{stored()['id']}", f"integrations/{stored()['id']}"
    theirs = {"name": "Theirs", "senderPhone": "+447700900009"}

    answer = save({"name": "Mine"}, lambda: client.patch(address, json=theirs))

    assert answer.status_code == 412
    page = unescape(answer.text)
    assert "<strong><bdi>Mine</bdi></strong></td><td><bdi>Theirs</bdi>" in page
    assert "<td><bdi>+447700900009</bdi></td><td><bdi>+447700900009</bdi></td>" in page
    assert page.count("<strong>Changed</strong> · <bdi>t</bdi>") == 1
    assert f'href="/console/en/{path}">Take theirs</a>' in page
    assert stored()["name"] == "Theirs"

    assert console.post(f"/console/en/{path}/edit", data=form_of(answer)).status_code == 303
    assert (stored()["name"], stored()["senderPhone"]) == ("Mine", "+447700900009")


def test_the_same_change_of_somebody_else_is_no_conflict(
    client: httpx2.Client, save: Save, stored: Api
) -> None:
    address, mine = f"/en/api/integration/{stored()['id']}", {"name": "Mine"}

    assert save(mine, lambda: client.patch(address, json=mine)).status_code == 303


def test_a_switch_is_a_change_too(client: httpx2.Client, save: Save, stored: Api) -> None:
    address = f"/en/api/integration/{stored()['id']}/toggle"

    answer = save({"name": "Mine"}, lambda: client.post(address, json={"isActive": False}))

    assert answer.status_code == 412
    assert "<strong>Switched off</strong>" in answer.text


def test_a_form_that_lost_its_session_comes_back_with_what_was_typed(
    console: httpx2.Client, path: str, form_of: FormOf
) -> None:
    form = {**form_of(console.get(path)), "name": "Typed", "senderPhone": ""}
    cookies = dict(console.cookies)
    console.cookies.clear()
    back = httpx2.URL(console.post(path, data=form).headers["location"]).params["next"]
    console.cookies.update(cookies)

    kept = form_of(console.get(back))

    assert (kept["name"], kept["senderPhone"]) == ("Typed", "")
    assert kept["_was.name"] == "Twilio SMS"


def test_who_may_only_look_changes_nothing(
    reader: httpx2.Client, path: str, stored: Api, form_of: FormOf
) -> None:
    page = reader.get(path)
    assert "<fieldset disabled>" in page.text
    assert "integrations:edit" in page.text

    answer = reader.post(path, data={**form_of(page), "name": "Mine"})

    assert answer.status_code == 403
    assert stored()["name"] == "Twilio SMS"
