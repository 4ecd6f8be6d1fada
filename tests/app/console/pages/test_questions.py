"""What the console asks before it stores what looks like a mistake."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import httpx2
import pytest

FormOf = Callable[[httpx2.Response], dict[str, str]]
KEY = "SG." + "a1B2" * 5 + "cc." + "d3E4" * 10 + "fff"
BUTTON = 'form="form" name="_as_it_is" value="1">Save it as it is</button>'
HTMX = {"HX-Request": "true"}
UNCLOSED = '{"type": "service_account", "project_id": "example", "private_key": "'
FCM = "/console/en/add/FIREBASE_FCM"
SENDGRID, TWILIO = "/console/en/add/SENDGRID", "/console/en/add/TWILIO"
UNCLEAR = {"secret.apiKey": "SK" + "7" * 32, "secret.apiSecret": "a" * 32}  # of which account?
MISTAKES = [
    (SENDGRID, {"secret.apiKey": f"Bearer {KEY}"}),
    (SENDGRID, {"secret.apiKey": f"SENDGRID_API_KEY={KEY}"}),
    (SENDGRID, {"secret.apiKey": f'"{KEY}"'}),
    (SENDGRID, {"secret.apiKey": f"{KEY[:9]} {KEY[9:]}"}),
    (TWILIO, {"secret.apiKey": "7" * 32, "secret.apiSecret": "AC" + "7" * 32}),
    (FCM, {"secret.apiKey": UNCLOSED}),
    (FCM, {"secret.apiKey": "AAAA" + "b" * 7 + ":APA91b" + "c" * 134}),
]


def names(client: httpx2.Client) -> list[str]:
    """Return the names of all connections."""
    return [each["name"] for each in client.get("/en/api/integration").json()["result"]["data"]]


def errors(page: httpx2.Response) -> list[str]:
    """Return the fields that *page* links from its summary."""
    alerts = page.text.partition('id="alerts"')[2].partition('id="status"')[0]
    return re.findall(r'href="#([^"]+)"', alerts)


@pytest.mark.parametrize(("path", "typed"), MISTAKES)
def test_a_mistake_is_stored_only_after_a_question(
    console: httpx2.Client,
    client: httpx2.Client,
    form_of: FormOf,
    path: str,
    typed: dict[str, str],
) -> None:
    form = {**form_of(console.get(path)), "name": "Ours", **typed}

    answer = console.post(path, data=form)

    assert (answer.status_code, names(client)) == (422, [])
    assert "hx-retarget" not in answer.headers
    assert "Paste the keys again" in answer.text
    assert BUTTON not in unescape(answer.text)
    assert len(errors(answer)) == len({*errors(answer)}) > 0  # one warning a field
    assert not any(each in answer.text for each in typed.values())

    again = console.post(path, data={**form_of(answer), **typed})
    assert (again.status_code, names(client)) == (303, ["Ours"])


@pytest.mark.parametrize(("path", "typed"), [*MISTAKES, (TWILIO, UNCLEAR)])
def test_with_javascript_the_form_stays_and_a_button_sends_it_as_it_is(
    console: httpx2.Client,
    client: httpx2.Client,
    form_of: FormOf,
    path: str,
    typed: dict[str, str],
) -> None:
    form = {**form_of(console.get(path)), "name": "Ours", **typed}

    answer = console.post(path, data=form, headers=HTMX)

    assert (answer.status_code, names(client)) == (422, [])
    assert "hx-retarget" not in answer.headers  # the fields are marked
    assert all(f'id="{each}" ' in answer.text for each in errors(answer))
    assert answer.text.count('aria-invalid="true"') == len(errors(answer))
    assert not any(each in answer.text for each in typed.values())
    assert BUTTON in unescape(answer.text)
    assert "Paste the keys again" not in answer.text

    form = {**form_of(answer), **typed}
    assert console.post(path, data=form, headers=HTMX).status_code == 422
    for _ in range(2):
        again = console.post(path, data={**form, "_as_it_is": "1"}, headers=HTMX)
        assert (again.status_code, names(client)) == (303, ["Ours"])


@pytest.mark.parametrize(
    ("path", "typed", "left", "headers"),
    [
        (SENDGRID, {"secret.apiKey": "AC" + "0" * 32}, "apiKey", HTMX),
        (TWILIO, UNCLEAR, "settings-accountSid", HTMX),
        (TWILIO, UNCLEAR, "settings-accountSid", {}),
    ],
)
def test_who_corrects_one_of_two_mistakes_does_not_agree_to_the_other(  # noqa: PLR0913, PLR0917 — a row each
    console: httpx2.Client,
    client: httpx2.Client,
    form_of: FormOf,
    path: str,
    typed: dict[str, str],
    left: str,
    headers: dict[str, str],
) -> None:
    form = {**form_of(console.get(path)), "name": KEY, **typed}
    answer = console.post(path, data=form, headers=headers)
    assert errors(answer) == ["name", left]
    assert BUTTON not in unescape(answer.text)

    form = {**form_of(answer), "name": "Ours", **typed}
    answer = console.post(path, data=form, headers=headers)

    assert (answer.status_code, errors(answer), names(client)) == (422, [left], [])
    assert BUTTON in unescape(answer.text)
    form = {**form_of(answer), **typed, "_as_it_is": "1"}
    assert console.post(path, data=form, headers=headers).status_code == 303


def test_keys_that_are_replaced_are_asked_about(
    console: httpx2.Client, sendgrid: dict[str, Any], form_of: FormOf
) -> None:
    path = f"/console/en/integrations/{sendgrid['id']}/credentials"
    form = {**form_of(console.get(path)), "secret.apiKey": f"Bearer {KEY}"}

    assert BUTTON in unescape(console.post(path, data=form, headers=HTMX).text)
    assert console.post(path, data=form).status_code == 422
    assert console.post(path, data={**form, "_as_it_is": "1"}).status_code == 303


@pytest.mark.parametrize(
    ("key", "look"), [(f"{KEY} ", "quiet"), (f"{KEY}\u200b", "quiet"), ("unusual", "alert odd")]
)
def test_a_good_key_with_a_blank_gives_a_quiet_note(
    console: httpx2.Client, form_of: FormOf, key: str, look: str
) -> None:
    form = {**form_of(console.get(SENDGRID)), "name": "Ours", "secret.apiKey": key}

    answer = console.post(SENDGRID, data=form)

    assert answer.status_code == 303
    page = console.get(answer.headers["location"]).text
    assert f'<section class="{look}" aria-labelledby="warnings">' in page
    assert ("something looks unusual" in page) == (look != "quiet")
