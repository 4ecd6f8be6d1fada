"""The defaults: what each channel is sent with, and how that is chosen."""

import re
from html import unescape
from typing import Any

import httpx2
import pytest

DEFAULTS = "/console/en/defaults"
API = "/en/api/integration"


def panel_of(page: str, channel: str) -> str:
    return unescape(page).partition(f'id="channel-{channel}"')[2].partition("</section>")[0]


def form_of(page: str, channel: str) -> dict[str, str]:
    """Return the hidden values of the form of *channel*."""
    panel = panel_of(page, channel)
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', panel))


def chosen(client: httpx2.Client) -> dict[str, str]:
    """Return the defaults as the API shows them."""
    found = client.get("/en/api/integration-defaults").json()["result"]["data"]
    return {each["channel"]: each["integrationId"] for each in found}


def choose(client: httpx2.Client, integration: dict[str, Any]) -> None:
    path = f"/en/api/integration-defaults/{integration['channel']}"
    assert client.put(path, json={"integrationId": integration["id"]}).status_code == 200


def switch_off(client: httpx2.Client, integration: dict[str, Any]) -> None:
    path = f"{API}/{integration['id']}/toggle"
    assert client.post(path, json={"isActive": False}).status_code == 200


def test_a_default_is_chosen_among_the_active_connections_of_its_channel(
    console: httpx2.Client,
    client: httpx2.Client,
    sendgrid: dict[str, Any],
    twilio: dict[str, Any],
) -> None:
    body = {"name": "Off", "type": "SENDGRID", "channel": "EMAIL", "isActive": False}
    assert client.post(API, json=body).status_code == 201
    page = console.get(DEFAULTS).text
    email, push = panel_of(page, "EMAIL"), panel_of(page, "PUSH")
    assert re.findall(r'option value="(\w+)"', email) == [sendgrid["id"]]
    assert "No connection of this channel is on" in push

    form = {**form_of(page, "EMAIL"), "integration": sendgrid["id"]}
    answer = console.post(DEFAULTS, data=form)

    assert (answer.status_code, answer.headers["location"]) == (303, DEFAULTS)
    assert chosen(client) == {"EMAIL": sendgrid["id"]}
    client.put(f"{API}/{sendgrid['id']}/credentials", json={"apiKey": "SG.one-key"})
    panel = panel_of(console.get(DEFAULTS).text, "EMAIL")
    assert f"<bdi>{sendgrid['name']}</bdi>" in panel
    assert '<span class="badge">On</span>' in panel
    assert "Not checked yet" in panel
    assert twilio["name"] in panel_of(page, "SMS")


def test_connections_of_one_name_are_told_apart(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    sender = {"senderEmail": "news@example.com"}
    body = {"name": sendgrid["name"], "type": "SENDGRID", "channel": "EMAIL"}
    other = client.post(API, json=body).json()["result"]["data"]["id"]
    assert client.post(API, json={**body, **sender}).status_code == 201

    options = re.findall(r"<option [^>]*>([^<]*)<", panel_of(console.get(DEFAULTS).text, "EMAIL"))

    alike = [f"{sendgrid['name']} · …{each[-6:]}" for each in (sendgrid["id"], other)]
    state = " · Keys or fields are missing"
    told = [f"{sendgrid['name']} · news@example.com{state}", *(f"{each}{state}" for each in alike)]
    assert sorted(options) == sorted(["Choose…", *told])


def test_a_default_without_the_keys_that_its_provider_requires_is_marked(
    console: httpx2.Client, client: httpx2.Client
) -> None:
    body = {"name": "Main", "type": "SENDGRID", "channel": "EMAIL"}
    integration = client.post(API, json=body).json()["result"]["data"]
    choose(client, integration)

    def marks() -> tuple[bool, bool]:
        panel = panel_of(console.get(DEFAULTS).text, "EMAIL")
        return "Keys or fields are missing" in panel, ">On</span>" in panel

    assert marks() == (True, False)
    client.put(f"{API}/{integration['id']}/credentials", json={"apiKey": "SG.one-key"})
    assert marks() == (False, True)


@pytest.mark.parametrize(
    ("keys", "tone", "said"),
    [({}, "odd", "its keys or fields are missing"), ({"apiKey": "SG.one-key"}, "ok", "is set<")],
    ids=["no keys", "keys"],
)
def test_choosing_what_lacks_keys_is_a_warning(
    console: httpx2.Client, client: httpx2.Client, keys: dict[str, str], tone: str, said: str
) -> None:
    body = {"name": "Main", "type": "SENDGRID", "channel": "EMAIL", **keys}
    integration = client.post(API, json=body).json()["result"]["data"]
    form = {**form_of(console.get(DEFAULTS).text, "EMAIL"), "integration": integration["id"]}

    page = console.post(DEFAULTS, data=form, follow_redirects=True).text

    [status] = re.findall('<p id="status" class="status .*', page)
    assert f'class="status {tone}"' in status
    assert said in status


def test_a_default_is_cleared(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    choose(client, sendgrid)
    form = {**form_of(console.get(DEFAULTS).text, "EMAIL"), "integration": sendgrid["id"]}

    answer = console.post(DEFAULTS, data={**form, "clear": "1"})

    assert answer.headers["location"] == DEFAULTS
    assert chosen(client) == {}


def test_what_is_off_or_deleted_now_is_marked(
    console: httpx2.Client,
    client: httpx2.Client,
    sendgrid: dict[str, Any],
    twilio: dict[str, Any],
) -> None:
    for integration in (sendgrid, twilio):
        choose(client, integration)
    switch_off(client, sendgrid)
    assert client.delete(f"{API}/{twilio['id']}").status_code == 200

    page = console.get(DEFAULTS).text

    assert '<span class="badge bad">Switched off<' in panel_of(page, "EMAIL")
    assert '<span class="badge bad">Deleted<' in panel_of(page, "SMS")
    listed = console.get("/console/en/integrations").text
    assert '<span class="badge bad">Default, switched off<' in listed
    assert "The default of \u2068SMS\u2069 is deleted" in listed
    assert f'{twilio["id"]}/history"><bdi>{twilio["name"]}</bdi>' in panel_of(page, "SMS")
    for channel in ("EMAIL", "SMS"):
        assert "Remove default" in panel_of(page, channel)


def test_a_deleted_default_has_no_name_for_who_may_not_see_the_history(
    reader: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    choose(client, sendgrid)
    assert client.delete(f"{API}/{sendgrid['id']}").status_code == 200

    panel = panel_of(reader.get(DEFAULTS).text, "EMAIL")

    assert "A deleted connection" in panel
    assert sendgrid["id"] not in panel


def test_a_default_that_somebody_else_has_changed_is_not_overwritten(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    body = {"name": "Other", "type": "SENDGRID", "channel": "EMAIL"}
    other = client.post(API, json=body).json()["result"]["data"]
    choose(client, sendgrid)
    form = {**form_of(console.get(DEFAULTS).text, "EMAIL"), "integration": sendgrid["id"]}
    choose(client, other)

    answer = console.post(DEFAULTS, data=form)

    assert answer.status_code == 412
    assert "Somebody has changed this default" in answer.text
    assert "<bdi>Other</bdi>" in panel_of(answer.text, "EMAIL")
    assert chosen(client) == {"EMAIL": other["id"]}
    again = {**form_of(answer.text, "EMAIL"), "integration": sendgrid["id"]}
    assert console.post(DEFAULTS, data=again).status_code == 303
    assert chosen(client) == {"EMAIL": sendgrid["id"]}


def test_a_connection_that_was_switched_off_meanwhile_is_not_chosen(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    form = {**form_of(console.get(DEFAULTS).text, "EMAIL"), "integration": sendgrid["id"]}
    switch_off(client, sendgrid)

    answer = console.post(DEFAULTS, data=form)

    assert answer.status_code == 409
    assert "This connection is switched off now" in answer.text
    assert "hx-retarget" not in answer.headers  # the whole page: what can be chosen has changed
    assert chosen(client) == {}


def test_the_same_form_sent_twice_counts_once(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    choose(client, sendgrid)
    form = {**form_of(console.get(DEFAULTS).text, "EMAIL"), "clear": "1"}

    assert [console.post(DEFAULTS, data=form).status_code for _ in range(2)] == [303, 303]


@pytest.mark.parametrize("more", [{}, {"clear": "1"}])
def test_who_may_only_look_is_told_which_permission_lacks_and_changes_nothing(
    reader: httpx2.Client,
    client: httpx2.Client,
    sendgrid: dict[str, Any],
    more: dict[str, str],
) -> None:
    choose(client, sendgrid)
    page = reader.get(DEFAULTS).text
    assert "integrations:edit" in panel_of(page, "EMAIL")
    assert "<button" not in panel_of(page, "EMAIL").replace('<button type="button"', "")

    form = {"channel": "EMAIL", "integration": sendgrid["id"], **more}

    assert reader.post(DEFAULTS, data=form).status_code == 403
    assert chosen(client) == {"EMAIL": sendgrid["id"]}


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"channel": "FAX", "integration": "int_1"}, 404),
        ({"channel": "EMAIL/lease", "integration": "int_1"}, 404),
        ({"channel": "EMAIL", "integration": ""}, 400),
        ({"channel": "EMAIL"}, 400),
        ({}, 404),
    ],
)
def test_a_form_of_nobody_is_refused(
    console: httpx2.Client, form: dict[str, str], status: int
) -> None:
    assert console.post(DEFAULTS, data=form).status_code == status


def test_the_default_is_marked_in_the_list(
    console: httpx2.Client,
    client: httpx2.Client,
    sendgrid: dict[str, Any],
    twilio: dict[str, Any],
) -> None:
    choose(client, sendgrid)

    page = console.get("/console/en/integrations").text

    cards = {
        each["id"]: page.partition(f'id="card-{each["id"]}"')[2].partition("</li>")[0]
        for each in (sendgrid, twilio)
    }
    assert '<span class="badge">Default</span>' in cards[sendgrid["id"]]
    assert "Default" not in cards[twilio["id"]]
