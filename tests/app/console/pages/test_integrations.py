"""The list: what it shows, and what its buttons do."""

import re
from html import unescape
from typing import Any

import httpx2
import pytest

LIST = "/console/en/integrations"


def test_a_new_workspace_says_what_to_do_first(console: httpx2.Client) -> None:
    page = console.get(LIST).text

    assert "No connections yet" in page
    assert page.count('href="/console/en/add"') == 1


def test_connections_stand_by_channel_with_their_number(
    console: httpx2.Client, twilio: dict[str, Any], sendgrid: dict[str, Any]
) -> None:
    page = console.get(LIST).text

    email, sms = page.index('id="channel-EMAIL"'), page.index('id="channel-SMS"')
    assert email < page.index(sendgrid["name"]) < sms < page.index(twilio["name"])
    assert 'Email <span class="count">1</span>' in page


def test_a_search_shows_what_fits_and_says_if_nothing_does(
    console: httpx2.Client, twilio: dict[str, Any], sendgrid: dict[str, Any]
) -> None:
    found = console.get(LIST, params={"q": "twil"}).text
    assert (twilio["name"] in found, sendgrid["name"] in found) == (True, False)
    assert "No connection fits" in console.get(LIST, params={"q": "nonsense"}).text


def test_a_whole_id_leads_to_its_connection(console: httpx2.Client, twilio: dict[str, Any]) -> None:
    answer = console.get(LIST, params={"q": f" {twilio['id']}\t"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{LIST}/{twilio['id']}")

    missing = twilio["id"][:-1] + ("a" if twilio["id"][-1] != "a" else "b")
    for words in (missing, twilio["id"][:-1], f"{twilio['id']} {twilio['id']}"):
        answer = console.get(LIST, params={"q": words})
        assert (answer.status_code, "No connection fits" in answer.text) == (200, True)


def test_a_switch_sets_the_connection_and_leads_back_to_the_same_list(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any]
) -> None:
    form = {"integration": twilio["id"], "isActive": "false"}
    answer = console.post(LIST, params={"q": "twil"}, data=form)

    assert (answer.status_code, answer.headers["location"]) == (303, f"{LIST}?q=twil")
    shown = client.get(f"/en/api/integration/{twilio['id']}").json()["result"]["data"]
    assert shown["isActive"] is False


def test_a_check_is_shown_on_the_card(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any]
) -> None:
    odd = {"apiKey": "odd key", "apiSecret": "odd secret"}
    client.put(f"/en/api/integration/{twilio['id']}/credentials", json=odd).raise_for_status()
    form = {"integration": twilio["id"], "check": "1"}
    assert console.post(LIST, data=form).headers["location"] == LIST

    assert (
        '<p class="check inconclusive"><strong>Could not check</strong>' in console.get(LIST).text
    )


def test_no_link_leads_somebody_to_a_page_that_is_forbidden(
    reader: httpx2.Client, twilio: dict[str, Any]
) -> None:
    one = f"{LIST}/{twilio['id']}"
    for path in (LIST, one, f"{one}/past", "/console/en/past", "/console/en/defaults"):
        page = unescape(reader.get(path).text)
        led = set(re.findall(r'<a [^>]*href="(/console/en/[^"?]*)', page))
        assert {each: reader.get(each).status_code for each in led} == dict.fromkeys(led, 200)
        locked = re.findall(r'<span role="link" aria-disabled="true"[^>]*>(\w+)<', page)
        tabs = ["Edit", "Keys", "History", "Access", "Delete"] if path.startswith(one) else []
        assert locked == ["History", "Access", "Proof", *tabs]
        assert "Needs the permission \u2068audit:view\u2069" in page


@pytest.mark.parametrize("form", [{"isActive": "false"}, {"check": "1"}])
def test_who_may_only_look_is_told_which_permission_lacks_and_changes_nothing(
    reader: httpx2.Client, twilio: dict[str, Any], form: dict[str, str]
) -> None:
    page = reader.get(LIST).text
    assert page.count("disabled") >= 3
    assert "integrations:edit" in page

    answer = reader.post(LIST, data={"integration": twilio["id"], **form})

    assert answer.status_code == 403


def test_the_connections_of_another_workspace_are_no_page(
    console: httpx2.Client, twilio: dict[str, Any]
) -> None:
    missing = twilio["id"][:-1] + ("a" if twilio["id"][-1] != "a" else "b")
    answer = console.post(LIST, data={"integration": missing, "isActive": "false"})

    assert answer.status_code == 404


def test_names_are_text_and_never_markup(console: httpx2.Client, client: httpx2.Client) -> None:
    name = "<img src=x onerror=alert(1)> {{7*7}} hx-get"
    body = {"name": name, "type": "SENDGRID", "channel": "EMAIL"}
    assert client.post("/en/api/integration", json=body).status_code == 201

    page = console.get(LIST).text

    assert "<img" not in page
    assert "{{7*7}}" in page


def test_a_connection_that_lacks_what_its_provider_requires_is_marked(
    console: httpx2.Client, client: httpx2.Client
) -> None:
    path = "/en/api/integration"
    body = {"name": "Main", "type": "SENDGRID", "channel": "EMAIL"}
    one = client.post(path, json=body).json()["result"]["data"]["id"]

    assert console.get(LIST).text.count("Keys or fields are missing") == 1
    key = {"apiKey": "SG.one-key"}
    assert client.put(f"{path}/{one}/credentials", json=key).status_code == 200
    page = console.get(LIST).text
    assert ("Keys or fields are missing" in page, "Not checked yet" in page) == (False, True)


def test_a_list_of_more_than_one_page_leads_on(
    console: httpx2.Client, client: httpx2.Client
) -> None:
    for number in range(26):
        body = {"name": f"Connection {number:02}", "type": "SENDGRID", "channel": "EMAIL"}
        assert client.post("/en/api/integration", json=body).status_code == 201

    page = console.get(LIST).text

    assert page.count('class="card') == 26  # the grid and 25 cards
    following = page.partition('rel="next" href="')[2].partition('"')[0]
    following = following.replace("&amp;", "&").replace("&#x2f;", "/")
    assert "\u206825\u2069 of \u206826\u2069 are on this page" in page
    assert "Page \u20681\u2069 of \u20682\u2069" in page
    assert 'rel="prev"' not in page
    last = console.get(following).text
    assert "Connection 25" in last
    assert "\u20681\u2069 of \u206826\u2069" in last
    assert ('rel="prev"' in last, 'rel="next"' in last) == (True, False)
    beyond = console.get(LIST, params={"page": "9"}).text
    assert "This page of the list is not there" in beyond
    assert "page=2" in beyond
    assert "Page \u20689" not in beyond
    assert ">Clear<" in console.get(LIST, params={"q": "connection"}).text


def test_a_card_without_a_sender_shows_nothing_in_its_place(
    console: httpx2.Client, sendgrid: dict[str, Any], twilio: dict[str, Any]
) -> None:
    assert sendgrid["senderEmail"] is None
    page = console.get("/console/en/integrations").text

    senders = re.findall('<p class="sender"[^>]*>(.*)</p>', page)
    assert senders == ["", f"<bdi>{twilio['senderPhone']}</bdi>"]
