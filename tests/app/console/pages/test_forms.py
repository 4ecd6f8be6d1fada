"""What all forms share: how they are sent, what is lost, and what a link fills in."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import httpx2
import pytest

FormOf = Callable[[httpx2.Response], dict[str, str]]
FORM = "application/x-www-form-urlencoded"
NOTICE = "Some fields are filled in from the address and not saved yet"
AGAIN = "Paste the keys again: they are never sent back to a page"
PUBLIC_KEY = (
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
)


def unsaved(page: httpx2.Response) -> list[str]:
    """Return the ids of the fields that *page* marks as not saved yet."""
    marked = re.findall(r'id="([^"]*)-unsaved">not saved yet<', page.text)
    for each in marked:
        assert re.search(rf'id="{each}" [^>]*aria-describedby="{each}-unsaved', page.text), each
    assert (NOTICE in page.text) == bool(marked)
    return marked


def page_of(place: str, connection: dict[str, Any]) -> str:
    """Return the path of the page *place*, which may be of *connection*."""
    return "/console/en/" + place.replace("{one}", f"integrations/{connection['id']}")


# ----- How a form is sent -----
PLACES = [
    *("integrations", "add/TWILIO", "{one}", "{one}/edit", "{one}/credentials", "{one}/delete"),
    "defaults",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_form_that_is_sent_in_another_way_is_refused(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any], place: str
) -> None:
    path = page_of(place, twilio)
    sent: list[dict[str, Any]] = [
        {"files": {"name": ("name.txt", b"Ours"), "confirmation": (None, twilio["name"])}},
        {"json": {"name": "Ours"}},
        {"content": b"name=Ours"},
        {"content": b"name=Ours", "headers": {"Content-Type": "text/plain"}},
        {
            "content": "name=Ours".encode("utf-16"),
            "headers": {"Content-Type": f"{FORM}; charset=utf-16"},
        },
    ]
    for each in sent:
        answer = console.post(path, **each)
        assert answer.status_code == 415, each
        assert f"A form must be sent as \u2068{FORM}\u2069 in UTF-8" in unescape(answer.text)

    assert client.get("/en/api/integration").json()["result"]["totalCount"] == 1
    shown = client.get(f"/en/api/integration/{twilio['id']}").json()["result"]["data"]
    assert shown == twilio


def test_a_form_is_taken_with_its_charset_in_any_case(console: httpx2.Client) -> None:
    kind = {"Content-Type": "Application/X-WWW-Form-urlencoded;charset=UTF-8"}
    answer = console.post("/console/en/add/TWILIO", content=b"name=Ours", headers=kind)

    assert answer.status_code == 303, answer.text


@pytest.mark.parametrize("place", [*PLACES, "sign-in", "enter", "sign-out"])
def test_a_form_that_holds_a_field_twice_is_refused(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any], place: str
) -> None:
    twice = f"confirmation=x&confirmation={twilio['name']}&isActive=true&isActive=false"

    answer = console.post(page_of(place, twilio), content=twice, headers={"Content-Type": FORM})

    assert answer.status_code == (303 if place == "sign-out" else 400)
    if answer.status_code == 400:
        assert "A form must not hold a field twice" in answer.text
    shown = client.get(f"/en/api/integration/{twilio['id']}").json()["result"]["data"]
    assert shown == twilio


@pytest.mark.parametrize("name", ["secret.token", "secret.code"])
@pytest.mark.parametrize("place", ["sign-in", "enter"])
def test_a_file_signs_nobody_in(visitor: httpx2.Client, place: str, name: str) -> None:
    answer = visitor.post(f"/console/en/{place}", files={name: ("token.txt", b"eyJ")})

    assert answer.status_code == 415


def test_a_file_is_not_put_into_an_address(visitor: httpx2.Client) -> None:
    sent = {"name": ("name.txt", b"x"), "senderName": (None, "Ours")}

    answer = visitor.post("/console/en/add/TWILIO", files=sent)

    location = "/console/en/sign-in?next=%2Fconsole%2Fen%2Fadd%2FTWILIO&lost=1"
    assert (answer.status_code, answer.headers["location"]) == (303, location)


# ----- What is too long, and what looks like a key -----
@pytest.mark.parametrize(
    "case",
    [
        ("add/TWILIO", "name", "x" * 300, 180),
        ("add/TWILIO", "name", f" {'x' * 121} ", 1),
        ("add/SENDGRID", "senderName", "x" * 122, 2),
        ("{one}/edit", "name", "x" * 121, 1),
        ("add/TWILIO", "name", "x" * 120, 0),
        ("add/TWILIO", "name", "", 0),
    ],
)
def test_a_text_that_is_too_long_says_by_how_much(
    console: httpx2.Client, twilio: dict[str, Any], case: tuple[str, str, str, int]
) -> None:
    place, field, typed, more = case
    form = {"senderPhone": "wrong", "senderEmail": "wrong", field: typed}

    page = unescape(console.post(page_of(place, twilio), data=form).text)

    assert ("Too many:" in page) == bool(more)
    if more:
        assert page.count(f"Too many: \u2068{more}\u2069") == 2  # in the summary and at the field


LOOKS_LIKE_KEY = "This looks like a key, and everybody can read it here. If it is none,"
SENDGRID_KEY = "SG." + "a1B2" * 5 + "cc." + "d3E4" * 10 + "fff"


@pytest.mark.parametrize(
    "case",
    [("add/TWILIO", "name"), ("add/SENDGRID", "senderName"), ("{one}/edit", "name")],
)
def test_a_key_where_everybody_can_read_it_is_stored_only_if_it_is_typed_again(
    console: httpx2.Client,
    client: httpx2.Client,
    twilio: dict[str, Any],
    form_of: FormOf,
    case: tuple[str, str],
) -> None:
    place, field = case
    path, typed = page_of(place, twilio), f"Ours {SENDGRID_KEY}"
    form = {**form_of(console.get(path)), "name": "Ours", field: typed}
    form["secret.apiKey"] = "unusual"

    def stored() -> int:
        found = client.get("/en/api/integration").json()["result"]["data"]
        return sum(SENDGRID_KEY in str(each) for each in found)

    answer = console.post(path, data=form)

    assert answer.status_code == 422
    assert unescape(answer.text).count(LOOKS_LIKE_KEY) == 2
    assert SENDGRID_KEY not in answer.text
    assert stored() == 0

    again = {**form_of(answer), field: typed}
    assert again[f"_public.{field}"] == "1"
    answer = console.post(path, data=again)

    assert answer.status_code == 303, answer.text
    assert stored() == 1


def test_a_key_of_an_unusual_form_asks_nothing(console: httpx2.Client, form_of: FormOf) -> None:
    path = "/console/en/add/SENDGRID"
    form = {**form_of(console.get(path)), "name": "Ours", "secret.apiKey": "unusual"}

    answers = [console.post(path, data=form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]


@pytest.mark.parametrize(
    ("place", "form"),
    [
        ("add/TWILIO", {}),
        ("integrations", {"integration": "{id}"}),
        ("{one}", {}),
        ("{one}/edit", {}),
        ("{one}/credentials", {}),
        ("{one}/delete", {"confirmation": "Another name"}),
        ("defaults", {"channel": "SMS"}),
    ],
)
def test_who_may_only_look_is_refused_before_what_was_typed_is_looked_at(
    reader: httpx2.Client, twilio: dict[str, Any], place: str, form: dict[str, str]
) -> None:
    typed = {name: value.format(id=twilio["id"]) for name, value in form.items()}

    assert reader.post(page_of(place, twilio), data=typed).status_code == 403


# ----- Keys that a refusal loses -----
@pytest.mark.parametrize(
    ("place", "form", "is_lost"),
    [
        ("add/TWILIO", {"secret.apiKey": "0123456789"}, True),
        ("add/TWILIO", {"senderPhone": "12"}, False),
        ("{one}/credentials", {"secret.apiKey": "\u200b \u200b"}, True),
        ("{one}/credentials", {}, False),
        ("{one}/edit", {"name": ""}, False),
    ],
)
def test_a_refusal_says_that_keys_must_be_pasted_again(
    console: httpx2.Client,
    twilio: dict[str, Any],
    place: str,
    form: dict[str, str],
    is_lost: bool,
) -> None:
    path = page_of(place, twilio)

    answer = console.post(path, data={"_key": "", **form})

    assert answer.status_code == 422
    assert (AGAIN in answer.text) == is_lost


# ----- What a link fills in -----
@pytest.mark.parametrize(
    ("query", "marked"),
    [
        ({}, []),
        ({"done": "added", "nonsense": "x", "secret.apiKey": "x"}, []),
        ({"name": "Twilio SMS", "senderPhone": "+447700900000"}, []),
        ({"name": "Theirs", "senderPhone": "+447700900000"}, ["name"]),
        ({"name": "Twilio SMS"}, ["senderPhone"]),  # which the form would clear
        (
            {"senderPhone": "+447700900009", "settings.region": "IE1"},
            ["name", "senderPhone", "settings-region"],
        ),
    ],
)
def test_a_link_to_edit_shows_what_is_not_saved(
    console: httpx2.Client, twilio: dict[str, Any], query: dict[str, str], marked: list[str]
) -> None:
    page = console.get(f"/console/en/integrations/{twilio['id']}/edit", params=query)

    assert unsaved(page) == marked


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        ({}, []),
        ({"secret.apiKey": "x", "nonsense": "x"}, []),
        ({"name": "Ours", "settings.region": "IE1"}, ["name", "settings-region"]),
    ],
)
def test_a_link_to_add_shows_what_is_not_saved(
    console: httpx2.Client, query: dict[str, str], marked: list[str]
) -> None:
    assert unsaved(console.get("/console/en/add/TWILIO", params=query)) == marked


def test_a_link_that_adds_it_switched_off_says_so_too(console: httpx2.Client) -> None:
    page = console.get("/console/en/add/TWILIO", params={"isActive": "false"}).text

    assert NOTICE in page
    assert "not saved yet</strong></label>" in page
    page = console.post("/console/en/add/TWILIO", data={"isActive": "false"}).text
    assert NOTICE not in page


def test_a_link_to_the_keys_shows_a_public_key_that_is_not_saved(
    console: httpx2.Client, client: httpx2.Client
) -> None:
    body = {"name": "P", "type": "WEB_PUSH", "channel": "PUSH", "vapidPublicKey": PUBLIC_KEY}
    added = client.post("/en/api/integration", json=body).json()["result"]["data"]
    path = f"/console/en/integrations/{added['id']}/credentials"

    for value, marked in ((PUBLIC_KEY, []), ("BA" + PUBLIC_KEY[2:], ["vapidPublicKey"])):
        assert unsaved(console.get(path, params={"vapidPublicKey": value})) == marked


# ----- What waits for a name -----
def test_the_button_that_deletes_says_what_it_waits_for(
    console: httpx2.Client, twilio: dict[str, Any]
) -> None:
    page = unescape(console.get(f"/console/en/integrations/{twilio['id']}/delete").text)

    assert '<button class="button danger" aria-describedby="confirmation-help">' in page
    help_ = page.partition('id="confirmation-help">')[2].partition("</p>")[0]
    assert "Nothing is deleted until this name stands below:" in help_
    assert twilio["name"] in help_
