"""Adding a connection: the providers, the form of each, and what it says and keeps."""

import re
from collections.abc import Callable
from html import unescape

import httpx2
import pytest

from tests.support.private_keys import base64url, make_key, point, scalar

TWILIO = "/console/en/add/TWILIO"
SEALED = "0123456789abcdef0123456789abcdef"
NAMES = ("SENDGRID", "ELASTIC_EMAIL", "TWILIO", "NEXMO", "WEB_PUSH", "FIREBASE_FCM")
FormOf = Callable[[httpx2.Response], dict[str, str]]


def count(client: httpx2.Client) -> int:
    return client.get("/en/api/integration").json()["result"]["totalCount"]


def test_every_provider_stands_in_its_channel_with_what_it_asks_for(
    console: httpx2.Client, client: httpx2.Client
) -> None:
    page = unescape(console.get("/console/en/add").text)

    types = client.get("/en/api/integration-types").json()["result"]["data"]
    for type_ in types:
        _, _, card = page.partition(f'href="/console/en/add/{type_["type"]}"')
        card = card.partition("</li>")[0]
        assert type_["displayName"] in card
        assert all(each["label"] in card for each in type_["fields"] if each["required"])
        assert type_.get("deprecated", "") in card


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_makes_the_form(
    console: httpx2.Client, client: httpx2.Client, name: str
) -> None:
    page = unescape(console.get(f"/console/en/add/{name}").text)

    types = client.get("/en/api/integration-types").json()["result"]["data"]
    type_ = next(each for each in types if each["type"] == name)
    settings = [{**each, "name": f"settings.{each['name']}"} for each in type_["settings"]]
    for field in [*type_["fields"], *settings]:
        sent = f"secret.{field['name']}" if field.get("secret") else field["name"]
        tag = re.search(rf'<(\w+) [^>]*name="{re.escape(sent)}".*', page)
        assert tag, sent
        assert f">{field['label']}</label>" in page
        assert field["help"] in page
        assert " required" not in tag[0]  # the API takes a connection without it
        place = page.partition(f">{field['label']}</label>")[2].partition("<")[2].partition("</")[0]
        assert ("needed to send" in place) == field.get("required", False)
        assert ("needed with \u2068SK\u2069…" in place) == ("requiredWhen" in field)
        assert field["example"] in tag[0] or field["kind"] == "choice"
        assert ('autocomplete="new-password"' in tag[0]) == (
            field.get("secret", False) and field["kind"] != "json"
        )
    if "guide" in type_:
        assert f'href="{type_["guide"]}" target="_blank" rel="noopener noreferrer"' in page


def test_a_provider_that_is_not_there_is_no_page(console: httpx2.Client) -> None:
    assert console.get("/console/en/add/NOBODY").status_code == 404


def test_a_connection_is_added_and_its_page_shows_that_and_its_warnings_once(
    console: httpx2.Client, client: httpx2.Client, form_of: FormOf
) -> None:
    form = {**form_of(console.get(TWILIO)), "name": "Main", "settings.region": "IE1"}
    secrets = {"secret.apiKey": "odd-key-value", "secret.apiSecret": SEALED}
    answer = console.post(TWILIO, data={**form, **secrets, "isActive": "false"})

    assert answer.status_code == 303, answer.text
    shown = client.get("/en/api/integration").json()["result"]["data"][0]
    assert (shown["name"], shown["settings"]) == ("Main", {"region": "IE1"})
    assert shown["isActive"] is False
    path = f"/console/en/integrations/{shown['id']}"
    assert answer.headers["location"] == path
    page = console.get(answer.headers["location"]).text
    assert "The connection is added" in page
    assert "This does not look like a key of this provider" in page
    assert "data-retry-after" not in page
    again = console.get(path).text
    assert ("The connection is added" in again, "This does not look like" in again) == (
        False,
        False,
    )


def test_web_push_takes_both_of_its_keys(
    console: httpx2.Client, client: httpx2.Client, form_of: FormOf
) -> None:
    path = "/console/en/add/WEB_PUSH"
    key = make_key(1)
    keys = {
        "vapidPublicKey": base64url(point(key)),
        "secret.vapidPrivateKey": base64url(scalar(key)),
    }

    answer = console.post(path, data={**form_of(console.get(path)), "name": "Push", **keys})

    assert answer.status_code == 303, answer.text
    assert 'id="warnings"' not in console.get(answer.headers["location"]).text
    shown = client.get("/en/api/integration").json()["result"]["data"][0]
    assert shown["vapidPublicKey"] == keys["vapidPublicKey"]


def test_wrong_input_leads_to_its_fields_and_keeps_what_is_no_secret(
    console: httpx2.Client, client: httpx2.Client, form_of: FormOf
) -> None:
    form = form_of(console.get(TWILIO))
    typed = {"senderPhone": "12", "settings.region": "AU1", "secret.apiSecret": SEALED}
    answer = console.post(TWILIO, data={**form, **typed})

    page = answer.text
    assert answer.status_code == 422
    assert 'tabindex="-1" data-focus' in page
    assert '<a href="#name">Name: This field is required</a>' in page
    for id_ in ("name", "senderPhone"):
        tag = re.search(rf'<input id="{id_}".*', page)
        assert tag
        assert 'aria-invalid="true"' in tag[0]
        described = re.search('aria-describedby="([^"]*)"', tag[0])
        assert described
        assert all(f'id="{each}"' in page for each in described[1].split())
    assert form_of(answer)["senderPhone"] == "12"
    assert form_of(answer)["settings.region"] == "AU1"
    assert SEALED not in page + str(answer.headers)
    assert form_of(answer)["_key"] != form["_key"]
    assert count(client) == 0


@pytest.mark.parametrize("field", ["name", "senderPhone", "settings.accountSid"])
def test_a_secret_in_a_public_field_is_not_shown_again(
    console: httpx2.Client, field: str, form_of: FormOf
) -> None:
    form = {**form_of(console.get(TWILIO)), "name": "Main", "secret.apiSecret": SEALED}
    answer = console.post(TWILIO, data={**form, field: f"x {SEALED} x"})

    assert answer.status_code == 422
    assert SEALED not in answer.text


def test_a_private_key_in_a_public_field_is_not_shown_again(
    console: httpx2.Client, form_of: FormOf
) -> None:
    key = "PT7hHC-_f2prHmqhbDgmMexfH7_FDKO6WonTZtIu6u8"
    answer = console.post(TWILIO, data={**form_of(console.get(TWILIO)), "name": key})

    assert answer.status_code == 422
    assert "This looks like a private key" in answer.text
    assert key not in answer.text


def test_a_connection_without_its_keys_is_added_and_only_the_name_is_required(
    console: httpx2.Client, client: httpx2.Client, form_of: FormOf
) -> None:
    page = console.get(TWILIO)
    assert [*re.findall('<(?:input|select|textarea) id="([^"]+)"[^>]* required', page.text)] == [
        "name"
    ]

    answer = console.post(TWILIO, data={**form_of(page), "name": "Later"})

    assert answer.status_code == 303
    assert count(client) == 1


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_missing_setting_says_with_which_keys_it_is_needed_and_leads_to_edit(
    console: httpx2.Client, form_of: FormOf, language: str
) -> None:
    said = {
        "en": "Needed if \u2068Account SID or API key\u2069 begins with \u2068SK\u2069",
        "de": "mit \u2068SK\u2069 beginnt",
    }
    path = TWILIO.replace("/en/", f"/{language}/")
    own = "kP3vXw8LqT2mRz5NbY7cJd4HsF6gUaE1"  # 32 hexadecimal digits are the token of an account
    typed = {"name": "Main", "secret.apiKey": "SK" + "0a" * 16, "secret.apiSecret": own}

    asked = console.post(path, data={**form_of(console.get(path)), **typed})
    added = console.post(path, data={**form_of(asked), **typed, "_as_it_is": "1"})

    assert said[language] in asked.text
    overview = added.headers["location"]
    warnings = unescape(console.get(overview).text).partition('aria-labelledby="warnings"')[2]
    warnings = warnings.partition("</section>")[0]
    assert said[language] in warnings
    assert f'href="{overview}/edit"' in warnings
    assert f'href="{overview}/credentials"' not in warnings


def test_a_form_sent_twice_adds_one_connection(
    console: httpx2.Client, client: httpx2.Client, form_of: FormOf
) -> None:
    form = {**form_of(console.get(TWILIO)), "name": "Main", "secret.apiSecret": SEALED}

    first, second = console.post(TWILIO, data=form), console.post(TWILIO, data=form)

    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    assert count(client) == 1


def test_a_session_that_is_over_keeps_what_is_no_secret_of_the_form(
    console: httpx2.Client, form_of: FormOf
) -> None:
    form = form_of(console.get(TWILIO))
    typed = {"name": "Main", "senderPhone": f"x{SEALED}", "secret.apiSecret": SEALED}
    cookies = dict(console.cookies)
    console.cookies.clear()
    more = {"settings.region": "AU1", "settings.accountSid": "A" * 9000}
    answer = console.post(TWILIO, data={**form, **typed, **more})

    assert answer.status_code == 303
    back = httpx2.URL(answer.headers["location"]).params["next"]
    assert SEALED not in answer.headers["location"]
    assert form["_key"] not in back
    console.cookies.update(cookies)
    page = console.get(back)
    kept = form_of(page)
    assert (kept["name"], kept["settings.region"]) == ("Main", "AU1")
    assert kept["settings.accountSid"] == ""


def test_who_may_not_add_is_told_so_and_adds_nothing(
    reader: httpx2.Client, client: httpx2.Client, form_of: FormOf
) -> None:
    page = reader.get(TWILIO).text
    assert "<fieldset disabled>" in page
    assert "integrations:create" in page

    answer = reader.post(TWILIO, data={**form_of(reader.get(TWILIO)), "name": "Main"})

    assert answer.status_code == 403
    assert count(client) == 0
