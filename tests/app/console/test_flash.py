"""A page says that something is done, once, and only if a form of the same session did it."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from app.console.api_client import Detail
from app.console.flash import DONE, MAX_LENGTH, Again, Flash, encode_flash
from app.console.visit import cookie_name

FormOf = Callable[[httpx2.Response], dict[str, str]]
LIST, FLASH = "/console/en/integrations", "integrations_flash"
OTHER_WORDS = urlsafe_b64encode(b'{"done":"on"}').decode()
AGAIN = "Add it again, without keys"


def messages(page: httpx2.Response) -> list[str]:
    """Return what *page* says of an act: that it is done, warnings of it, and what to do now."""
    assert page.status_code == 200
    known = [*DONE.values(), AGAIN, "It is saved, and something looks unusual", "Theirs"]
    return [each for each in known if each in page.text]


def cookie_header(console: httpx2.Client, flash: str) -> dict[bytes, bytes]:
    """Return the header with the session of *console*, and a cookie that says *flash*."""
    session = "; ".join(f"{name}={value}" for name, value in console.cookies.items())
    name = f"{FLASH}_{console.base_url.port}"
    return {b"Cookie": f"{session}; {name}={flash}".encode()}


def session_of(console: httpx2.Client) -> str:
    """Return the cookie of the session of *console*."""
    return next(value for name, value in console.cookies.items() if not name.startswith(FLASH))


def test_a_message_is_shown_once(console: httpx2.Client, sendgrid: dict[str, Any]) -> None:
    path = f"{LIST}/{sendgrid['id']}"
    answer = console.post(path, data={"isActive": "false"})

    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert messages(console.get(path)) == [DONE["off"]]
    assert messages(console.get(path)) == []


UNUSUAL = "This does not look like a key of this provider"
KEY = f"SG.{'a' * 22}.{'b' * 43}"


@pytest.fixture
def warned(console: httpx2.Client) -> str:
    """The path of a connection whose key looked unusual when it was added."""
    form = {"name": "Main", "secret.apiKey": "SG.abc123..."}
    path = console.post("/console/en/add/SENDGRID", data=form).headers["location"]
    page = console.get(path).text
    assert (UNUSUAL in page, DONE["added"] in page) == (True, True)
    assert 'id="warnings" tabindex="-1" data-focus' in page
    return path


def test_a_warning_is_shown_once(console: httpx2.Client, warned: str) -> None:
    assert messages(console.get(warned)) == []


def test_what_was_only_trimmed_is_said_once(console: httpx2.Client) -> None:
    form = {"name": "Main", "secret.apiKey": f" {KEY} "}
    path = console.post("/console/en/add/SENDGRID", data=form).headers["location"]

    assert 'id="warnings"' in console.get(path).text
    assert 'id="warnings"' not in console.get(path).text


def test_each_cookie_is_named_by_its_port_as_ports_of_a_host_share_them(
    console: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    console.post(f"{LIST}/{sendgrid['id']}", data={"isActive": "false"})
    port = console.base_url.port

    assert {*console.cookies} == {f"integrations_{port}", f"{FLASH}_{port}"}


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("http://127.0.0.1:8001", "integrations_8001"),
        ("http://console.example.com", "integrations_80"),
        ("https://console.example.com", "__Host-integrations_443"),
        ("https://console.example.com:8443", "__Host-integrations_8443"),
    ],
)
def test_the_name_of_the_session_s_cookie_holds_the_port_of_its_origin(
    origin: str, name: str
) -> None:
    assert cookie_name(origin) == name


def test_a_page_that_is_away_leaves_the_message_to_the_next_one(
    console: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    console.post(LIST, data={"integration": sendgrid["id"], "isActive": "false"})

    assert console.get(LIST, params={"sort": "nonsense"}).status_code == 400
    assert messages(console.get(f"{LIST}/{sendgrid['id']}")) == []  # it is the list's
    assert messages(console.get(LIST)) == [DONE["off"]]


@pytest.mark.parametrize("word", [*DONE])
def test_a_link_cannot_say_that_something_is_done(
    console: httpx2.Client, sendgrid: dict[str, Any], word: str
) -> None:
    query = {"done": word, "again": f"SENDGRID?name={quote('Theirs')}", "warnings": "Theirs"}

    for path in (LIST, f"{LIST}/{sendgrid['id']}", "/console/en/defaults"):
        assert messages(console.get(path, params=query)) == []


def forged_cookies(key: str) -> dict[str, str]:
    """Return cookies that no form of the session *key* has led to at the list, by their names."""
    flash = Flash("deleted", (Detail(None, "X", "Theirs"),), Again("SENDGRID", {"name": "Theirs"}))
    signed = encode_flash(key, LIST, flash)
    code, _, payload = signed.partition(".")
    return {
        "empty": "",
        "of no session": encode_flash("", LIST, flash),
        "of another session": encode_flash("A" * 43, LIST, flash),
        "of another page": encode_flash(key, f"{LIST}/x", flash),
        "without a code": f".{payload}",
        "with other words": f"{code}.{OTHER_WORDS}",
        "no JSON": encode_flash(key, LIST, flash)[:70],
        "no base64": f"{code}.%%%",
        "not ASCII": "\u00e9.\u00e9",
    }


@pytest.mark.parametrize("name", [*forged_cookies("")])
def test_a_cookie_that_no_form_of_this_session_has_set_shows_nothing(
    console: httpx2.Client, name: str
) -> None:
    forged = forged_cookies(session_of(console))[name]

    assert messages(console.get(LIST, headers=cookie_header(console, forged))) == []


def test_a_signed_cookie_is_believed(console: httpx2.Client) -> None:
    """What the test above would find if it found everything."""
    flash = Flash("deleted", (Detail(None, "X", "Theirs"),), Again("SENDGRID", {"name": "Theirs"}))
    signed = encode_flash(session_of(console), LIST, flash)

    shown = messages(console.get(LIST, headers=cookie_header(console, signed)))
    assert shown == [DONE["deleted"], AGAIN, "It is saved, and something looks unusual", "Theirs"]


def test_what_does_not_fit_a_cookie_is_left_out() -> None:
    values = {"name": "\U0001f600" * 120, "senderName": "\U0001f600" * 120, "x": "x" * 4_000}
    warnings = (Detail("apiKey", "UNUSUAL_FORMAT", "x" * 300),) * 50

    for flash in (Flash("deleted", again=Again("SENDGRID", values)), Flash("added", warnings)):
        assert len(encode_flash("key", LIST, flash)) < MAX_LENGTH + 100
