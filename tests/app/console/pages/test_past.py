"""The past: what there was then, what has become of it, and nothing that changes anything."""

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from app.bootstrap import build_console, build_dependencies
from app.http.application import create_app
from app.settings import read_settings
from app.startup_checks import join
from app.views import as_of as as_of_views
from scripts.commands.issue_token import issue
from tests.support.service import Service

PAST = "/console/en/past"
API = "/en/api/integration"


def path_of(integration: dict[str, Any]) -> str:
    return f"/console/en/integrations/{integration['id']}/past"


def last_position(client: httpx2.Client) -> str:
    """Return where the workspace's log ends now."""
    return str(client.get("/en/api/history-log?limit=1").json()["result"]["data"][0]["position"])


def change(client: httpx2.Client, integration: dict[str, Any], **fields: Any) -> None:
    answer = client.patch(f"{API}/{integration['id']}", json=fields)
    assert answer.status_code == 200, answer.text


def remove(client: httpx2.Client, integration: dict[str, Any]) -> None:
    assert client.delete(f"{API}/{integration['id']}").status_code == 200


def card_of(page: str, integration: dict[str, Any]) -> str:
    return page.partition(f'id="card-{integration["id"]}"')[2].partition("</li>")[0]


def row_of(page: str, field: str) -> str:
    return page.partition(f'<th scope="row">{field}</th>')[2].partition("</tr>")[0]


# ----- All connections -----
def test_a_position_shows_what_the_api_shows_as_of_it_and_what_has_become_of_it(
    console: httpx2.Client,
    client: httpx2.Client,
    sendgrid: dict[str, Any],
    twilio: dict[str, Any],
) -> None:
    kept = client.post(API, json={"name": "Kept", "type": "WEB_PUSH", "channel": "PUSH"}).json()
    choose = f"/en/api/integration-defaults/{sendgrid['channel']}"
    assert client.put(choose, json={"integrationId": sendgrid["id"]}).status_code == 200
    as_of = last_position(client)
    assert client.delete(choose).status_code == 200
    then = client.get(API, params={"asOf": as_of}).json()["result"]["data"]
    change(client, sendgrid, name="SendGrid Europe", isActive=False)
    remove(client, twilio)
    client.post(API, json={"name": "Added later", "type": "SENDGRID", "channel": "EMAIL"})

    page = console.get(PAST, params={"asOf": as_of}).text

    for integration in then:
        assert f'<bdi class="cut">{integration["name"]}</bdi>' in card_of(page, integration)
    assert page.count('class="card"') == len(then) == 3
    assert "Default" in card_of(page, sendgrid)
    assert "Default" not in card_of(page, twilio)
    assert "Deleted since" in card_of(page, twilio)
    assert "Switched off since" in card_of(page, sendgrid)
    assert "Changed since" in card_of(page, sendgrid)
    assert "since" not in card_of(page, kept["result"]["data"])
    assert "Added later" not in page
    assert "Added since and not shown" in page


def test_a_time_counts_up_to_it(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    newer = client.post(API, json={"name": "Newer", "type": "SENDGRID", "channel": "EMAIL"})
    at = newer.json()["result"]["data"]["createdAt"]
    change(client, sendgrid, name="Now")

    page = console.get(PAST, params={"asOf": at}).text

    assert page.count('class="card"') == 2
    assert sendgrid["name"] in page
    assert f'value="{at[:19]}"' in page  # the field for another time, in UTC
    assert "No connections then" in console.get(PAST, params={"asOf": "2020-01-01T00:00"}).text


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        ("2026-02-20T09:00", "Feb 20, 2026, 9:00:00"),
        ("2026-02-20T09:00:05Z", "Feb 20, 2026, 9:00:05"),
        ("2026-02-20T09:00:05+02:00", "Feb 20, 2026, 7:00:05"),
        ("2026-02-20", "Feb 20, 2026, 11:59:59"),
        ("3", "position \N{FIRST STRONG ISOLATE}3\N{POP DIRECTIONAL ISOLATE} of the log"),
    ],
)
def test_the_moment_stands_on_the_page_with_the_way_back(
    console: httpx2.Client, as_of: str, words: str
) -> None:
    page = unescape(console.get(PAST, params={"asOf": as_of}).text)

    banner = page.partition('class="banner"')[2].partition("</div>")[0]
    assert words in banner.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert 'href="/console/en/integrations"' in banner
    assert "Back to now" in banner


def test_a_position_that_the_log_has_not_come_to_is_yet_to_come(
    console: httpx2.Client, client: httpx2.Client, reader: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    for as_of, is_future in ((last_position(client), False), ("9" * 12, True)):
        for path in (PAST, path_of(sendgrid)):
            for browser in (console, reader):
                page = unescape(browser.get(path, params={"asOf": as_of}).text)
                assert ("is yet to come: this is now" in page) == is_future


def test_nothing_on_the_page_can_change_anything(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    as_of = last_position(client)
    for path in (PAST, path_of(sendgrid)):
        for query in ({}, {"asOf": as_of}):
            page = console.get(path, params=query).text
            assert 'method="post"' not in page
            assert page.count('method="get"') == 2


def test_a_long_list_has_pages(console: httpx2.Client, client: httpx2.Client) -> None:
    for number in range(26):
        body = {"name": f"Connection {number:02}", "type": "SENDGRID", "channel": "EMAIL"}
        assert client.post(API, json=body).status_code == 201

    page = console.get(PAST, params={"asOf": "9" * 12}).text

    assert page.count('class="card"') == 25
    assert 'Email <span class="count">26</span>' in page
    following = page.partition('rel="next" href="')[2].partition('"')[0]
    last = console.get(unescape(following)).text
    assert "Connection 25" in last
    assert last.count('class="card"') == 1
    beyond = unescape(console.get(PAST, params={"asOf": "9" * 12, "page": "99"}).text)
    assert "This page of the list is not there" in beyond
    assert beyond.partition('rel="prev" href="')[2].partition('"')[0].endswith("page=2")
    for odd in ("0", "9" * 5000):
        assert "Connection 00" in console.get(PAST, params={"asOf": "9" * 12, "page": odd}).text


def test_the_list_and_each_connection_lead_here(
    console: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    assert f'href="{PAST}"' in console.get("/console/en/integrations").text
    overview = unescape(console.get(f"/console/en/integrations/{sendgrid['id']}").text)
    assert f'href="{path_of(sendgrid)}"' in overview
    assert "Which day?" in console.get(PAST).text


# ----- One connection -----
def test_each_field_stands_with_what_it_is_now(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any]
) -> None:
    change(client, twilio, settings={"region": "IE1"})
    as_of = last_position(client)
    change(client, twilio, senderPhone="+447700900123", settings={"region": "US1"}, isActive=False)

    page = console.get(path_of(twilio), params={"asOf": as_of}).text

    for field, before, after in [
        ("Sender", "+447700900000", "+447700900123"),
        ("State", "On", "Off"),
        ("Provider region", "IE1", "US1"),
    ]:
        row = row_of(page, field)
        assert row.index(f"<bdi>{before}</bdi>") < row.index(f"<bdi>{after}</bdi>")
        assert "Changed since" in row
    assert "The same" in row_of(page, "Name")
    assert page.count("Changed since") == 3


def test_a_connection_that_is_deleted_now_is_shown(
    console: httpx2.Client, reader: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any]
) -> None:
    as_of = last_position(client)
    remove(client, twilio)

    for visitor in (console, reader):
        answer = visitor.get(path_of(twilio), params={"asOf": as_of})
        assert answer.status_code == 200
        assert twilio["name"] in answer.text
        assert "Deleted since" in answer.text
        assert 'href="/console/en/integrations" data-close>Back to now' in unescape(answer.text)


def test_a_moment_without_the_connection_says_so(
    console: httpx2.Client, client: httpx2.Client, twilio: dict[str, Any]
) -> None:
    before = console.get(path_of(twilio), params={"asOf": "2020-01-01"}).text
    assert "It was not there then" in before
    assert twilio["name"] in before
    remove(client, twilio)

    after = console.get(path_of(twilio), params={"asOf": last_position(client)}).text
    assert "It was not there then" in after
    assert twilio["name"] in after


@pytest.mark.parametrize("query", [{}, {"asOf": "5"}])
def test_what_was_never_here_is_no_page(
    console: httpx2.Client, reader: httpx2.Client, query: dict[str, str]
) -> None:
    path = "/console/en/integrations/int_01m84sn0f6e788c7myrj1n317m/past"
    for visitor in (console, reader):
        assert visitor.get(path, params=query).status_code == 404


# ----- What cannot be shown -----
@pytest.mark.parametrize("as_of", ["yesterday", "-1", "2026-13-01", "1" * 19, "<b>"])
def test_a_wrong_moment_is_said_and_the_page_asks_for_another(
    console: httpx2.Client, sendgrid: dict[str, Any], as_of: str
) -> None:
    for path in (PAST, path_of(sendgrid)):
        answer = console.get(path, params={"asOf": as_of})
        assert answer.status_code == 400
        assert "Give a day and time, or a position in the log" in answer.text
        assert 'type="datetime-local"' in answer.text
        assert "<b>" not in answer.text


@contextmanager
def two_readers(service: Service, client: httpx2.Client) -> Generator[None]:
    """Let two requests of the workspace wait for its past, as many as may."""
    waiting = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'sequence_at'
    """
    with (
        ThreadPoolExecutor(2) as threads,
        psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as database,
    ):
        database.execute("LOCK TABLE integrations.events IN ACCESS EXCLUSIVE MODE")
        for _ in range(2):
            threads.submit(client.get, API, params={"asOf": "5"})
        deadline = time.monotonic() + 60
        while database.execute(waiting).fetchone() != (2,):
            assert time.monotonic() < deadline, "waited in vain"
            database.execute("SELECT pg_stat_clear_snapshot()")
            time.sleep(0.05)
        yield


def test_two_readers_of_the_past_at_once_are_enough(
    console: httpx2.Client, client: httpx2.Client, service: Service, sendgrid: dict[str, Any]
) -> None:
    with two_readers(service, client):
        answer = console.get(PAST, params={"asOf": "5"}, timeout=30)

    assert answer.status_code == 429
    assert "Too many requests" in answer.text
    assert "data-again" in answer.text
    assert 'type="datetime-local"' in answer.text
    assert sendgrid["name"] not in answer.text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_log_that_is_too_long_is_said(
    dsn: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_of_views, "MAX_EVENTS", 0)
    settings = read_settings({"INTEGRATIONS_DATA_DIR": str(data_dir)})
    await join(settings, dsn)
    dependencies = build_dependencies(settings, dsn)
    app = create_app(dependencies, add_console=build_console(dependencies))
    token = issue(settings, workspace="w", subject="t", ttl=600, role="ADMIN")
    async with (
        dependencies.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url="http://x",
            headers={"Authorization": f"Bearer {token}", "Origin": "http://x"},
        ) as visitor,
    ):
        body = {"name": "n", "type": "SENDGRID", "channel": "EMAIL"}
        assert (await visitor.post(API, json=body)).status_code == 201
        await visitor.post("/console/en/sign-in", data={"secret.token": token})

        answer = await visitor.get(PAST, params={"asOf": "5"})

    assert answer.status_code == 422
    assert "earlier position" in answer.text
    assert 'type="datetime-local"' in answer.text


def test_a_position_is_shown_with_its_time(
    console: httpx2.Client, client: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    position = last_position(client)

    page = console.get(path_of(sendgrid), params={"asOf": position}).text

    assert f"UTC, position \u2068{position}\u2069 of the log" in page
