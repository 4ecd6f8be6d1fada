"""What a connection lacks, what its check was of, and what a warning leads to."""

import re
from html import unescape
from typing import Any

import httpx2
import pytest

KEY = "AC" + "0a" * 16
PUBLIC_KEY = (
    "BO077I5J60mOkqqPZhxz2bTdTjthYQWSB1h_qgOWnMCpwUXJimJ8JkogQB8vg7phXOOIkPl-biQVKT2CyAdQ_LY"
)
PRIVATE_KEY = "PT7hHC-_f2prHmqhbDgmMexfH7_FDKO6WonTZtIu6u8"
NAMES_OF_API = ("apiKey", "apiSecret", "senderEmail", "accountSid", "settings", "vapid")
OTHERS = {"SENDGRID": "EMAIL", "TWILIO": "SMS", "WEB_PUSH": "PUSH"}


def overview_of(client: httpx2.Client, **fields: Any) -> str:
    """Add a connection with *fields*, return the path of its overview."""
    channel = OTHERS[fields["type"]]
    answer = client.post("/en/api/integration", json={"name": "Ours", "channel": channel, **fields})
    assert answer.status_code == 201, answer.text
    return f"/console/en/integrations/{answer.json()['result']['data']['id']}"


def alert(page: str) -> str:
    """Return the alert about what is missing on *page*."""
    return unescape(page.partition('aria-labelledby="missing">')[2].partition("</section>")[0])


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"type": "TWILIO"}, ["Account SID or API key", "Auth token or secret"]),
        ({"type": "TWILIO", "apiKey": KEY}, ["Auth token or secret"]),
        ({"type": "SENDGRID"}, ["API key"]),
        ({"type": "WEB_PUSH", "vapidPublicKey": PUBLIC_KEY}, ["VAPID private key"]),
        ({"type": "WEB_PUSH"}, ["VAPID public key", "VAPID private key"]),
        ({"type": "TWILIO", "apiKey": KEY, "apiSecret": "0a" * 16}, []),
        ({"type": "WEB_PUSH", "vapidPublicKey": PUBLIC_KEY, "vapidPrivateKey": PRIVATE_KEY}, []),
    ],
)
def test_the_overview_names_the_keys_that_are_missing(
    console: httpx2.Client, client: httpx2.Client, fields: dict[str, str], missing: list[str]
) -> None:
    path = overview_of(client, **fields)

    found = alert(console.get(path).text)

    assert re.findall("<li>(.*)</li>", found) == missing
    assert ("Keys are missing: nothing can be sent" in found) == bool(missing)
    assert (f'href="{path}/credentials">Set keys</a>' in found) == bool(missing)
    assert f'href="{path}/edit"' not in found


def test_a_key_that_is_set_ends_the_alert(console: httpx2.Client, client: httpx2.Client) -> None:
    path = overview_of(client, type="SENDGRID")
    page = console.get(path).text
    assert alert(page)
    assert "Replace keys" not in page  # there are none

    answer = console.post(f"{path}/credentials", data={"secret.apiKey": PRIVATE_KEY})

    assert answer.status_code == 303
    page = console.get(path).text
    assert not alert(page)
    assert "Replace keys" in page


OLD = "before keys or settings were changed"


@pytest.mark.parametrize("change", [{"apiKey": KEY}, {"vapidPrivateKey": None}])
@pytest.mark.parametrize("place", ["one", "list"])
def test_a_check_of_other_keys_is_not_shown_as_the_state_now(
    console: httpx2.Client, client: httpx2.Client, place: str, change: dict[str, Any]
) -> None:
    keys = {"apiKey": "odd key", "apiSecret": "odd secret", "vapidPrivateKey": PRIVATE_KEY}
    path = overview_of(client, type="TWILIO", **keys)
    shown = path if place == "one" else "/console/en/integrations"
    console.post(path, data={"check": "1"})
    page = console.get(shown).text
    assert '<p class="check inconclusive"><strong>Could not check</strong>' in page
    assert OLD not in page

    credentials = f"/en/api/integration/{path.rpartition('/')[2]}/credentials"
    client.put(credentials, json=change).raise_for_status()

    page = console.get(shown).text
    assert '<p class="check none">Could not check' in page
    assert OLD in page

    console.post(path, data={"check": "1"})
    assert OLD not in console.get(shown).text


@pytest.mark.parametrize("place", ["{one}", "{one}/history", "/console/en/integrations"])
def test_what_a_check_found_names_fields_as_forms_do(
    console: httpx2.Client, client: httpx2.Client, place: str
) -> None:
    path = overview_of(client, type="TWILIO", apiKey="SK" + "0" * 32, apiSecret="0" * 32)
    console.post(path, data={"check": "1"})

    page = unescape(console.get(place.replace("{one}", path)).text)

    *_, result = re.findall(r'<p class="check .*?</p>', page, re.DOTALL)
    assert [each for each in NAMES_OF_API if each in result] == []
    assert "Account SID" in result


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "TWILIO"},
        {"type": "TWILIO", "apiKey": KEY},
        {"type": "SENDGRID"},
        {"type": "WEB_PUSH", "vapidPublicKey": PUBLIC_KEY},
    ],
)
@pytest.mark.parametrize("place", ["one", "list"])
def test_what_lacks_keys_has_nothing_to_check_and_says_so_once(
    console: httpx2.Client, client: httpx2.Client, place: str, fields: dict[str, str]
) -> None:
    path = overview_of(client, **fields)
    shown = path if place == "one" else "/console/en/integrations"
    form = {"integration": path.rpartition("/")[2], "check": "1"}
    console.post(shown, data=form)

    page = console.get(shown).text
    said = "Nothing to check yet: keys or fields are missing"
    assert '<p id="status" class="status same" role="status"' in page
    assert page.count(said) == 1

    page = console.get(shown).text
    assert "Could not check" not in page
    assert page.count("Nothing to check yet") == (place == "one")
    assert page.count(" are missing") == 1


@pytest.mark.parametrize("place", ["", "/history"])
def test_what_a_check_found_names_fields_in_the_language_of_the_page(
    console: httpx2.Client, client: httpx2.Client, place: str
) -> None:
    fields = {"type": "TWILIO", "apiKey": "SK" + "0" * 32, "apiSecret": "0" * 32}
    path = overview_of(client, **fields).replace("/en/", "/de/")
    console.post(path, data={"check": "1"})

    page = unescape(console.get(path + place).text)

    assert "\u2068Konto-SID\u2069" in page.partition('<p class="check ')[2]


@pytest.mark.parametrize(
    ("key", "leads"),
    [({"secret.apiKey": f'"{KEY}"'}, True), ({"secret.apiKey": KEY, "name": "A"}, False)],
)
def test_a_warning_about_a_key_leads_to_replacing_it(
    console: httpx2.Client, key: dict[str, str], leads: bool
) -> None:
    form = {"name": "Main", "secret.apiSecret": "0a" * 16, **key}
    answer = console.post("/console/en/add/TWILIO", data={**form, "_as_it_is": "1"})

    page = unescape(console.get(answer.headers["location"]).text)

    warnings = page.partition('aria-labelledby="warnings"')[2].partition("</section>")[0]
    assert bool(warnings) == leads
    assert ("<strong>Account SID or API key</strong>" in warnings) == leads
    assert ('/credentials">Replace keys</a>' in warnings) == leads
    assert "apiKey" not in warnings


def test_the_default_of_a_channel_says_so_on_its_overview_and_before_it_is_deleted(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any]
) -> None:
    path, said = f"/console/en/integrations/{twilio['id']}", "Once it is deleted"
    assert said not in console.get(f"{path}/delete").text
    assert "Default for" not in console.get(path).text

    default = {"integrationId": twilio["id"]}
    client.put("/en/api/integration-defaults/SMS", json=default).raise_for_status()

    assert "It is the default of \u2068SMS\u2069" in console.get(f"{path}/delete").text
    assert said in console.get(f"{path}/delete").text
    assert "Default for \u2068SMS\u2069" in console.get(path).text


@pytest.mark.parametrize(
    ("settings", "said"),
    [(None, True), ({"contact": "mailto:push@example.com"}, False)],
    ids=["no contact", "contact"],
)
@pytest.mark.parametrize("page", ["the list", "the overview"])
def test_what_a_good_check_leaves_open_is_shown(
    console: httpx2.Client, client: httpx2.Client, page: str, settings: Any, *, said: bool
) -> None:
    keys = {"vapidPublicKey": PUBLIC_KEY, "vapidPrivateKey": PRIVATE_KEY}
    path = overview_of(client, type="WEB_PUSH", settings=settings, **keys)
    client.post(f"/en/api/integration/{path.rpartition('/')[2]}/check").raise_for_status()

    text = unescape(
        console.get(path if page == "the overview" else "/console/en/integrations").text
    )

    assert "The keys fit together; no provider was asked" in text
    assert "<strong>Works" not in text
    assert ("some push services refuse messages" in text) is said
    assert "belong together" not in text or said
