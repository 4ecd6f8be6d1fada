"""Who had access: which worker got which keys, and who was refused."""

from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx2
import pytest

from tests.support.service import Service
from tests.support.worker import Worker

ACCESSES = "/console/en/accesses"
API = "/en/api/integration"
KEY = "SG.a-key-that-nobody-may-see"


@pytest.fixture
def worker(service: Service, workspace: str) -> Iterator[Worker]:
    worker = Worker(service, workspace)
    with worker.client:
        yield worker


@pytest.fixture
def keyed(client: httpx2.Client, sendgrid: dict[str, Any]) -> dict[str, Any]:
    """The connection to SendGrid, with a key."""
    path = f"{API}/{sendgrid['id']}/credentials"
    assert client.put(path, json={"apiKey": KEY}).status_code == 200
    return sendgrid


def entries(page: str) -> list[str]:
    return unescape(page).split('<li class="entry">')[1:]


def of_one(integration: dict[str, Any]) -> str:
    return f"/console/en/integrations/{integration['id']}/accesses"


def test_each_access_names_the_worker_the_connection_the_versions_and_what_came_of_it(
    console: httpx2.Client, client: httpx2.Client, worker: Worker, keyed: dict[str, Any]
) -> None:
    assert worker.lease(keyed["id"], json={"purpose": "campaign:c-1"}).status_code == 200
    client.post(f"{API}/{keyed['id']}/toggle", json={"isActive": False})
    assert worker.lease(keyed["id"]).status_code == 409

    page = console.get(ACCESSES).text

    refused, granted = entries(page)
    assert "<bdi>worker-1</bdi>" in granted
    assert f"<bdi>{keyed['name']}</bdi>" in granted
    assert f'href="{of_one(keyed)}"' in granted
    assert "Got the keys" in granted
    assert "campaign:c-1" in granted
    assert "127.0.0.1" in granted
    assert granted.index("API key") < granted.index("version")
    assert "Refused: the connection was switched off" in refused
    assert "version" not in refused
    assert KEY not in page


def test_a_channel_without_a_default_is_named(console: httpx2.Client, worker: Worker) -> None:
    answer = worker.client.post("/en/api/integration-defaults/SMS/lease")
    assert answer.status_code == 409

    [entry] = entries(console.get(ACCESSES).text)

    assert "Refused: the channel had no default" in entry
    assert 'href="/console/en/defaults">SMS<' in entry


def test_a_worker_that_nobody_knows_is_said_at_the_field(
    console: httpx2.Client, worker: Worker, keyed: dict[str, Any]
) -> None:
    worker.lease(keyed["id"])

    page = console.get(ACCESSES, params={"actorId": "nobody"}).text

    assert 'id="actorId-wrong">Choose one of the list' in page
    assert "Nothing fits" not in page
    assert len(entries(console.get(ACCESSES, params={"actorId": "WORKER-1"}).text)) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"actorId": "worker-1"}, 1),
        ({"field": "apiKey", "credentialVersion": "1"}, 1),
        ({"field": "apiKey", "credentialVersion": "2"}, 0),
        ({"field": "apiSecret"}, 0),
        ({"startDate": "2000-01-01", "endDate": "2999-01-01"}, 1),
        ({"endDate": "2000-01-01"}, 0),
    ],
)
def test_filters_stand_in_the_address(
    console: httpx2.Client,
    worker: Worker,
    keyed: dict[str, Any],
    query: dict[str, str],
    found: int,
) -> None:
    worker.lease(keyed["id"])

    for path in (ACCESSES, of_one(keyed)):
        page = console.get(path, params=query).text
        assert len(entries(page)) == found
        assert ("Nothing fits" in page) is (found == 0)
        for value in query.values():
            assert f'value="{value}"' in page


def test_more_than_a_page_leads_on(
    console: httpx2.Client, worker: Worker, keyed: dict[str, Any]
) -> None:
    for number in range(21):
        worker.lease(keyed["id"], json={"purpose": f"number-{number:02}"})

    page = console.get(ACCESSES, params={"actorId": "worker-1"}).text

    assert len(entries(page)) == 20
    following = unescape(page.partition('rel="next" href="')[2].partition('"')[0])
    [last] = entries(console.get(following).text)
    assert "number-00" in last
    assert "actorId=worker-1" in following


def test_the_accesses_of_a_deleted_connection_stay(
    console: httpx2.Client, client: httpx2.Client, worker: Worker, keyed: dict[str, Any]
) -> None:
    worker.lease(keyed["id"])
    client.delete(f"{API}/{keyed['id']}")

    page = console.get(of_one(keyed)).text

    assert len(entries(page)) == 1
    assert keyed["name"] in page


def test_without_the_permission_the_page_names_it(
    reader: httpx2.Client, console: httpx2.Client, sendgrid: dict[str, Any]
) -> None:
    for path in (ACCESSES, of_one(sendgrid)):
        answer = reader.get(path)
        assert answer.status_code == 403
        assert "audit:view" in answer.text
        assert "Nobody asked for keys yet" in console.get(path).text
    missing = "/console/en/integrations/int_01m84sn0f6e788c7myrj1n317m/accesses"
    assert console.get(missing).status_code == 404
