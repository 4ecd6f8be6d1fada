"""The history: who did what and when, found by filters, and proved."""

import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest

from tests.support.service import Service
from tests.support.waiting import wait_until

HISTORY = "/console/en/history"
API = "/en/api/integration"
KEY = "SG.a-key-that-nobody-may-see"
SIGNED_TREES: LiteralString = "LOCK TABLE integrations.audit_checkpoints IN SHARE MODE"
OTHER_NOTE: LiteralString = """
UPDATE integrations.audit_checkpoints SET note = replace(note, 'position', 'pos1tion')
WHERE workspace_id = %s
"""
DAMAGED: LiteralString = """
UPDATE integrations.events SET envelope = 'forged' WHERE workspace_id = %s
"""
FORGED: LiteralString = """
UPDATE integrations.events SET envelope = convert_to(
    replace(convert_from(envelope, 'UTF8'), 'SendGrid Production', 'SendGrid Pretended'), 'UTF8')
WHERE workspace_id = %s AND action = 'INTEGRATION_DISABLED'
"""


@pytest.fixture
def database(service: Service) -> Iterator[psycopg.Connection]:
    """A session that the database obeys, whatever it changes."""
    with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as database:
        database.execute("SET session_replication_role = replica")
        yield database


@pytest.fixture
def switched_off(client: httpx2.Client, sendgrid: dict[str, Any]) -> dict[str, Any]:
    """The connection to SendGrid, switched off."""
    answer = client.post(f"{API}/{sendgrid['id']}/toggle", json={"isActive": False})
    assert answer.status_code == 200, answer.text
    return sendgrid


def of_one(integration: dict[str, Any]) -> str:
    return f"/console/en/integrations/{integration['id']}/history"


def entry_of(page: str, deed: str) -> str:
    """Return the entry of *page* in which *deed* was done."""
    return next(entry for entry in page.split("<li class=") if f"<strong>{deed}<" in entry)


# ----- What an entry says -----
def test_who_switched_off_a_connection_and_when_stands_in_one_entry(
    console: httpx2.Client, client: httpx2.Client, switched_off: dict[str, Any]
) -> None:
    page = console.get(HISTORY).text

    entry = entry_of(page, "Switched off")
    history = client.get(f"{API}/{switched_off['id']}/history").json()["result"]["data"]
    at = datetime.fromisoformat(history[0]["createdAt"])
    assert f'<bdi class="cut">{switched_off["name"]}</bdi>' in entry
    assert "<bdi>t</bdi>" in entry  # the token's subject
    assert '<code dir="ltr">127.0.0.1</code>' in entry
    assert f'<time datetime="{at:%Y-}' in entry
    assert "<bdi>On</bdi>" in entry.partition("→")[0]
    assert "<bdi>Off</bdi>" in entry.partition("→")[2]
    assert f"{at:%B %-d, %Y}" in page


def test_an_entry_leads_to_the_connection_as_it_was(
    console: httpx2.Client, client: httpx2.Client, switched_off: dict[str, Any]
) -> None:
    assert client.delete(f"{API}/{switched_off['id']}").status_code == 200
    entries = client.get(f"{API}/{switched_off['id']}/history").json()["result"]["data"]
    removed, off = (entry["position"] for entry in entries[:2])

    page = console.get(of_one(switched_off)).text

    past = f"/console/en/integrations/{switched_off['id']}/past?asOf="
    assert f'href="{past}{off}"' in entry_of(page, "Switched off")
    assert f'href="{past}{removed - 1}"' in entry_of(page, "Deleted")


def test_of_secrets_only_the_versions_are_shown(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    path = f"{API}/{sendgrid['id']}/credentials"
    for number in (1, 2):
        assert client.put(path, json={"apiKey": f"{KEY}-{number}"}).status_code == 200

    page = console.get(of_one(sendgrid)).text

    assert KEY not in page
    newest = entry_of(page, "Keys replaced")
    assert 'value="DEFAULT_CHOSEN"' not in page
    assert newest.index("API key") < newest.index("version") < newest.index("→")
    assert newest.count("version") == 2


def test_settings_are_shown_one_by_one(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any]
) -> None:
    for region in ("IE1", "US1"):
        body = {"settings": {"region": region}}
        assert client.patch(f"{API}/{twilio['id']}", json=body).status_code == 200

    entry = entry_of(console.get(of_one(twilio)).text, "Changed")

    assert "region" in entry
    assert "<bdi>IE1</bdi>" in entry.partition("→")[0]
    assert "<bdi>US1</bdi>" in entry.partition("→")[2]


def test_defaults_name_the_connections(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    body = {"integrationId": sendgrid["id"]}
    assert client.put("/en/api/integration-defaults/EMAIL", json=body).status_code == 200
    assert client.delete("/en/api/integration-defaults/EMAIL").status_code == 200

    page = console.get(HISTORY).text

    chosen, cleared = entry_of(page, "Default chosen"), entry_of(page, "Default cleared")
    assert sendgrid["name"] in chosen.partition("→")[2]
    assert sendgrid["name"] in cleared.partition("→")[0]


def test_names_are_text_and_never_markup(console: httpx2.Client, client: httpx2.Client) -> None:
    name = "<img src=x onerror=alert(1)> {{7*7}}"
    body = {"name": name, "type": "SENDGRID", "channel": "EMAIL"}
    assert client.post(API, json=body).status_code == 201

    page = console.get(HISTORY).text

    assert "<img" not in page
    assert "{{7*7}}" in page


# ----- Filters and pages -----
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"action": "INTEGRATION_DISABLED"}, {"Switched off"}),
        ({"userId": "t"}, {"Switched off", "Added"}),
        ({"startDate": "2000-01-01", "endDate": "2999-12-31"}, {"Switched off", "Added"}),
        ({"endDate": "2000-01-01"}, set[str]()),
        ({"action": "", "userId": ""}, {"Switched off", "Added"}),
    ],
)
@pytest.mark.usefixtures("switched_off")
def test_filters_stand_in_the_address(
    console: httpx2.Client, query: dict[str, str], found: set[str]
) -> None:
    page = console.get(HISTORY, params=query).text

    assert {deed for deed in ("Switched off", "Added") if f"<strong>{deed}<" in page} == found
    assert ("Nothing fits" in page) is (not found)
    for value in query.values():
        assert f'value="{value}"' in page


@pytest.mark.parametrize(
    ("typed", "is_known"),
    [("u-jonas", True), (" jonas weber", True), ("Jonas", False), ("Anna", False), ("u-1", True)],
)
def test_a_person_is_found_by_name_or_id_and_nobody_unknown_seems_to_have_done_nothing(
    service: Service, console: httpx2.Client, workspace: str, typed: str, *, is_known: bool
) -> None:
    people = [("u-jonas", "Jonas Weber"), ("u-1", "Anna"), ("u-2", "Anna")]
    for subject, name in people:
        with service.caller(workspace, subject=subject, name=name) as client:
            body = {"name": f"Of {subject}", "type": "SENDGRID", "channel": "EMAIL"}
            assert client.post(API, json=body).status_code == 201

    answer = console.get(HISTORY, params={"userId": typed})

    assert '<option value="Jonas Weber">u-jonas</option>' in answer.text
    assert '<option value="u-1">Anna</option>' in answer.text
    assert "Nothing fits" not in answer.text
    assert answer.text.count('<li class="entry') == int(is_known)
    assert ("Nobody with this name or id is known here" in answer.text) != is_known
    assert ('id="userId-wrong">Choose one of the list' in answer.text) != is_known


def test_more_than_a_page_leads_on_with_the_same_filters(
    console: httpx2.Client, client: httpx2.Client
) -> None:
    for number in range(21):
        body = {"name": f"Number {number:02}", "type": "SENDGRID", "channel": "EMAIL"}
        assert client.post(API, json=body).status_code == 201

    page = console.get(HISTORY, params={"userId": "t"}).text

    assert page.count('<li class="entry') == 20
    assert "Number 00" not in page
    older = page.partition('rel="next" href="')[2].partition('"')[0]
    last = console.get(unescape(older)).text
    assert "Number 00" in last
    assert "userId=t" in older
    assert ('rel="prev"' in last, 'rel="next"' in last) == (True, False)
    beyond = unescape(console.get(HISTORY, params={"userId": "t", "page": "99"}).text)
    assert "This page of the list is not there" in beyond
    assert beyond.partition('rel="prev" href="')[2].partition('"')[0].endswith("page=2")
    assert "Nothing fits" not in beyond


def test_a_new_workspace_says_what_will_stand_here(console: httpx2.Client) -> None:
    assert "Nothing was done yet" in console.get(HISTORY).text


# ----- Who may see it -----
def test_without_the_permission_the_page_names_it(
    reader: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    for path in (HISTORY, of_one(sendgrid)):
        answer = reader.get(path)
        assert answer.status_code == 403
        assert "audit:view" in answer.text


@pytest.mark.parametrize("integration", ["int_01m84sn0f6e788c7myrj1n317m", "int_", "x%2Fy"])
def test_the_history_of_what_is_not_here_is_no_page(
    console: httpx2.Client, integration: str
) -> None:
    assert console.get(f"/console/en/integrations/{integration}/history").status_code == 404


# ----- Proof -----
def test_an_entry_is_not_signed_yet_and_then_proved(
    console: httpx2.Client, database: psycopg.Connection, client: httpx2.Client
) -> None:
    database.execute(SIGNED_TREES)  # nothing is signed until this session ends
    body = {"name": "First", "type": "SENDGRID", "channel": "EMAIL"}
    assert client.post(API, json=body).status_code == 201
    assert "Not signed yet" in console.get(HISTORY).text
    database.rollback()

    wait_until(lambda: "Not signed yet" not in console.get(HISTORY).text)

    page = console.get(HISTORY).text
    assert "Proved, checkpoint" in page
    assert "by the service" in page
    assert "badge bad" not in page


def test_an_entry_that_was_changed_after_it_was_signed_is_red_and_says_what_to_do(
    console: httpx2.Client,
    database: psycopg.Connection,
    switched_off: dict[str, Any],
    workspace: str,
) -> None:
    wait_until(lambda: console.get(HISTORY).text.count("badge good") == 2)
    database.execute(FORGED, [workspace])
    database.commit()

    page = console.get(HISTORY).text

    entry = entry_of(page, "Switched off")
    assert "SendGrid Pretended" in entry
    assert "Not as it was signed" in entry
    assert "Proved" in entry_of(page, "Added")
    assert 'role="alert"' in page.partition("<h1>")[0]
    assert "integrations verify" in page
    assert 'href="/console/en/audit"' in page
    assert switched_off["name"] in page


def test_a_checkpoint_that_was_changed_leaves_the_page_without_proof(
    console: httpx2.Client,
    database: psycopg.Connection,
    switched_off: dict[str, Any],
    workspace: str,
) -> None:
    wait_until(lambda: console.get(HISTORY).text.count("badge good") == 2)
    database.execute(OTHER_NOTE, [workspace])
    database.commit()

    answer = console.get(HISTORY)

    assert answer.status_code == 200
    assert switched_off["name"] in entry_of(answer.text, "Switched off")
    assert "The service could not prove this page" in answer.text
    assert answer.text.count("No proof") == 2
    assert "Request id" in answer.text


def test_an_event_that_cannot_be_read_is_said_as_damage(
    console: httpx2.Client, database: psycopg.Connection, sendgrid: dict[str, Any], workspace: str
) -> None:
    wait_until(lambda: "badge good" in console.get(HISTORY).text)
    database.execute(DAMAGED, [workspace])
    database.commit()

    for path in (HISTORY, of_one(sendgrid)):
        answer = console.get(path)
        assert answer.status_code == 500
        assert "integrations verify" in answer.text
        assert "Request id" in answer.text
        assert "Nothing is shown" in answer.text


def test_the_history_of_one_repeats_its_name_only_where_it_was_another(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    path = f"/en/api/integration/{sendgrid['id']}"
    client.patch(path, json={"name": "Renamed"}).raise_for_status()

    page = console.get(f"/console/en/integrations/{sendgrid['id']}/history").text

    assert re.findall(r'<bdi class="cut">(.*?)</bdi>', page) == [sendgrid["name"]]


def test_fields_are_called_as_the_form_of_the_provider_calls_them(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any]
) -> None:
    path = f"{API}/{twilio['id']}/credentials"
    assert client.put(path, json={"apiSecret": "0123456789abcdef" * 2}).status_code == 200

    for page in (of_one(twilio), "/console/en/history"):
        assert "Auth token or secret" in entry_of(console.get(page).text, "Keys replaced")
    added = entry_of(console.get(of_one(twilio)).text, "Added")
    assert "<summary>Name, Provider, Channel, State, and Sender</summary>" in added
