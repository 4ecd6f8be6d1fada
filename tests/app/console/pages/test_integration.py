"""The page of one connection: what it shows, its switch and its check."""

import re
from html import unescape
from typing import Any

import httpx2
import pytest


@pytest.fixture
def path(twilio: dict[str, Any]) -> str:
    return f"/console/en/integrations/{twilio['id']}"


def set_odd_keys(client: httpx2.Client, twilio: dict[str, Any]) -> None:
    """Give *twilio* keys of which a check knows nothing, without asking anybody."""
    odd = {"apiKey": "odd key", "apiSecret": "odd secret"}
    path = f"/en/api/integration/{twilio['id']}/credentials"
    client.put(path, json=odd).raise_for_status()


def test_it_shows_what_everybody_may_see_and_which_keys_are_set(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any], path: str
) -> None:
    body = {"apiKey": "AC" + "0" * 32}
    client.put(f"/en/api/integration/{twilio['id']}/credentials", json=body)

    page = console.get(path).text

    for text in (twilio["name"], twilio["senderPhone"], twilio["id"], "Nothing to check yet"):
        assert text in page
    keys = page[page.index('<h2 id="keys">') : page.index('<h2 id="details">')]
    assert "version \u20681\u2069" in keys
    assert keys.count("Not set") == 1
    assert body["apiKey"] not in page


def test_tabs_lead_to_its_other_pages(console: httpx2.Client, path: str) -> None:
    page = unescape(console.get(path).text)

    for place in ("edit", "credentials", "history", "accesses", "delete"):
        assert f'href="{path}/{place}"' in page
    assert f'href="{path}" aria-current="page"' in page
    assert 'href="/console/en/integrations" aria-current="true"' in page


def test_its_switch_sets_it(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any], path: str
) -> None:
    answer = console.post(path, data={"integration": "another", "isActive": "false"})

    assert (answer.status_code, answer.headers["location"]) == (303, path)
    shown = client.get(f"/en/api/integration/{twilio['id']}").json()["result"]["data"]
    assert shown["isActive"] is False
    page = console.get(path).text
    assert 'aria-checked="false"' in page
    [led] = re.findall('href="([^"]*)">Who switched it off, and when</a>', unescape(page))
    assert "<strong>Switched off<" in console.get(led).text
    assert "The connection is switched off" in page


def test_a_default_that_is_switched_off_is_pointed_out_on_its_page_and_in_the_list(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any], path: str
) -> None:
    default = {"integrationId": twilio["id"]}
    client.put("/en/api/integration-defaults/SMS", json=default).raise_for_status()

    for place in (path, "/console/en/integrations"):
        form = {"integration": twilio["id"], "isActive": "false"}
        page = console.get(console.post(place, data=form).headers["location"]).text
        assert "What is sent by the default of" in page
        assert "What is sent by the default of" not in console.get(place).text
        console.post(place, data={**form, "isActive": "true"})


def test_its_check_is_shown_and_never_red_if_nothing_is_known(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any], path: str
) -> None:
    set_odd_keys(client, twilio)
    assert console.post(path, data={"check": "1"}).headers["location"] == path

    page = console.get(path).text

    assert '<p class="check inconclusive"><strong>Could not check</strong>' in page
    assert 'class="status inconclusive"' in page
    assert "status inconclusive" not in console.get(path).text


def test_who_may_only_look_finds_every_control_disabled(reader: httpx2.Client, path: str) -> None:
    page = reader.get(path).text
    assert page.count(" disabled") == 4

    for form in ({"isActive": "false"}, {"check": "1"}):
        answer = reader.post(path, data=form)
        assert answer.status_code == 403
        assert "You may not do this" in answer.text


def test_a_connection_that_is_not_there_is_no_page(console: httpx2.Client, path: str) -> None:
    missing = path[:-1] + ("a" if path[-1] != "a" else "b")

    assert console.get(missing).status_code == 404
    assert console.post(missing, data={"check": "1"}).status_code == 404
    assert console.get("/console/en/integrations/nonsense").status_code == 404
