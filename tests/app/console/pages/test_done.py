"""What a page says that is done: of which connection, how good the news is, or that nothing was."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import httpx2
import pytest

FormOf = Callable[[httpx2.Response], dict[str, str]]
LIST, DEFAULTS = "/console/en/integrations", "/console/en/defaults"
KEY = "0123456789abcdef" * 2
PAIR = {
    "vapidPublicKey": "BO077I5J60mOkqqPZhxz2bTdTjthYQWSB1h_qgOWnMCpwUXJimJ8JkogQB8vg7phXOOIkPl-bi"
    "QVKT2CyAdQ_LY",
    "vapidPrivateKey": "PT7hHC-_f2prHmqhbDgmMexfH7_FDKO6WonTZtIu6u8",
    "settings": {"contact": "mailto:push@example.com"},
}


def said(page: httpx2.Response) -> tuple[str, str]:
    """Return the tone of what *page* says that is done, and its words."""
    [(tone, words)] = re.findall(
        r'<p id="status" class="status (\w+)" role="status">(.*)</p>', page.text
    )
    return tone, unescape(re.sub(r"<[^>]+>", "", words))


def send(console: httpx2.Client, path: str, form: dict[str, str]) -> tuple[str, str]:
    """Send *form* to the page at *path*; return what the page says that it leads to."""
    answer = console.post(path, data=form)
    assert answer.status_code == 303, answer.text
    return said(console.get(answer.headers["location"]))


@pytest.mark.parametrize("place", ["the list", "its page"])
def test_a_switch_names_its_connection_and_says_if_nothing_has_changed(
    console: httpx2.Client, twilio: dict[str, Any], place: str
) -> None:
    path = LIST if place == "the list" else f"{LIST}/{twilio['id']}"
    off, on = ({"integration": twilio["id"], "isActive": each} for each in ("false", "true"))

    assert [send(console, path, form) for form in (on, off, off, on)] == [
        ("same", "Twilio SMS · It is on already; nothing has changed"),
        ("ok", "Twilio SMS · The connection is switched off"),
        ("same", "Twilio SMS · It is off already; nothing has changed"),
        ("ok", "Twilio SMS · The connection is switched on"),
    ]


def test_keys_that_are_stored_already_are_said_to_be(
    console: httpx2.Client, sendgrid: dict[str, Any], form_of: FormOf
) -> None:
    path = f"{LIST}/{sendgrid['id']}/credentials"
    first, second = (form_of(console.get(path)) for _ in range(2))
    typed = {"secret.apiKey": KEY}

    replaced = ("ok", "SendGrid Production · The keys are replaced")
    assert send(console, path, {**first, **typed}) == replaced
    assert send(console, path, {**first, **typed}) == replaced  # the same form, sent twice
    same = "SendGrid Production · That key is stored already; nothing has changed"
    assert send(console, path, {**second, **typed}) == ("same", same)


@pytest.mark.parametrize(
    ("typed", "said_of_it"),
    [
        ({}, ("same", "Twilio SMS · Nothing was changed")),
        ({"name": "Twilio SMS "}, ("same", "Twilio SMS · Nothing was changed")),
        ({"name": "Other"}, ("ok", "Other · The changes are saved")),
    ],
)
def test_an_edit_without_a_change_says_so(
    console: httpx2.Client,
    twilio: dict[str, Any],
    form_of: FormOf,
    typed: dict[str, str],
    said_of_it: tuple[str, str],
) -> None:
    path = f"{LIST}/{twilio['id']}/edit"
    form = {**form_of(console.get(path)), **typed}

    assert send(console, path, form) == said_of_it
    if "Other" in form["name"]:  # the same form, sent twice
        assert send(console, path, form) == said_of_it


def test_what_is_added_chosen_and_deleted_is_named(
    console: httpx2.Client, twilio: dict[str, Any]
) -> None:
    added = ("ok", "<b>Other · The connection is added")
    assert send(console, "/console/en/add/TWILIO", {"name": "<b>Other"}) == added
    default = {"channel": "SMS", "integration": twilio["id"]}
    assert send(console, DEFAULTS, default)[1].startswith("Twilio SMS · The default is set")
    clear = {"channel": "SMS", "clear": "1"}
    assert send(console, DEFAULTS, clear) == ("ok", "SMS · The channel has no default now")
    path, confirmation = f"{LIST}/{twilio['id']}/delete", {"confirmation": "Twilio SMS"}
    gone = "Twilio SMS · The connection is deleted, its keys are destroyed"
    assert send(console, path, confirmation) == ("ok", gone)


def test_a_check_has_the_tone_of_what_it_found(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    path, form = sendgrid["id"], {"integration": sendgrid["id"], "check": "1"}
    client.put(f"/en/api/integration/{path}/credentials", json={"apiKey": "odd key"})

    found = send(console, LIST, form)

    assert found[0] == "inconclusive"
    assert "SendGrid Production · Could not check: \u2068API key\u2069 holds a space" in found[1]
    assert "The keys were not judged." in found[1]
    console.post(f"{LIST}/{path}", data=form)
    assert console.get(f"{LIST}/{path}").text.count("The keys were not judged") == 1
    assert console.get(f"{LIST}/{path}").text.count("The keys were not judged") == 1


@pytest.mark.parametrize("place", ["the list", "its page"])
def test_a_check_that_asks_no_provider_says_so(
    console: httpx2.Client, client: httpx2.Client, place: str
) -> None:
    body = {"name": "Ours", "type": "WEB_PUSH", "channel": "PUSH", **PAIR}
    added = client.post("/en/api/integration", json=body).json()["result"]["data"]["id"]
    path, fits = f"{LIST}/{added}", "The keys fit together; no provider was asked"

    found = send(
        console, LIST if place == "the list" else path, {"integration": added, "check": "1"}
    )

    assert found == ("same", f"Ours · The check is done: {fits}")
    assert "No provider is asked" in console.get(path).text
    for page in (LIST, path, f"{path}/history"):
        assert f'<p class="check fits"><strong>{fits}</strong>' in console.get(page).text, page


@pytest.mark.parametrize("place", ["the list", "its page"])
def test_switching_a_default_off_says_what_is_not_sent(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any], place: str
) -> None:
    default = {"integrationId": twilio["id"]}
    client.put("/en/api/integration-defaults/SMS", json=default).raise_for_status()
    path = LIST if place == "the list" else f"{LIST}/{twilio['id']}"
    form = {"integration": twilio["id"], "isActive": "false"}

    page = console.post(path, data=form, follow_redirects=True).text

    assert "What is sent by the default of \u2068SMS\u2069 is not sent until it is on" in page
    assert "lease" not in page


@pytest.mark.parametrize("how", ["added", "renamed"])
def test_a_name_that_another_connection_has_is_said_once(
    console: httpx2.Client,
    client: httpx2.Client,
    twilio: dict[str, Any],
    form_of: FormOf,
    how: str,
) -> None:
    path = "/console/en/add/TWILIO"
    if how == "renamed":
        body = {"name": "Other", "type": "TWILIO", "channel": "SMS"}
        other = client.post("/en/api/integration", json=body).json()["result"]["data"]["id"]
        path = f"{LIST}/{other}/edit"

    for name, is_said in (("twilio sms", True), ("Twilio", False)):
        form = {**form_of(console.get(path)), "name": name}
        overview = console.post(path, data=form).headers["location"]
        page = console.get(overview).text
        assert ("Another connection has the same name:" in page) is is_said
        assert (f'href="{LIST}/{twilio["id"]}"' in page) is is_said
        assert "the same name" not in console.get(overview).text
