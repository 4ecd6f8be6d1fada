"""How often a page asks the API: under a rate limit a page that asks much is refused soon."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

Service = Any  # that of tests/conftest.py, which cannot be imported
BURST = 20
LIST = "/console/en/integrations"
# Who the token speaks for is asked by each page.
PAGES: dict[str, int] = {
    LIST: 5,  # defaults, list, checks, keys
    f"{LIST}?channel=EMAIL": 5,
    f"{LIST}/{{id}}": 5,  # connection, keys, checks, defaults
    f"{LIST}/{{id}}/edit": 2,
    f"{LIST}/{{id}}/credentials": 3,
    f"{LIST}/{{id}}/delete": 4,
    f"{LIST}/{{id}}/history": 5,  # people, history, proofs, connection
    f"{LIST}/{{id}}/past?asOf=2099-01-01": 3,
    "/console/en/history": 5,  # people, history, proofs, names
    "/console/en/past?asOf=2099-01-01": 4,
    "/console/en/defaults": 7,  # defaults, three channels, checks, keys
    "/console/en/accesses": 3,  # workers, accesses
    "/console/en/audit": 2,
    "/console/en/session": 1,
    "/console/en/add": 1,
    "/console/en/add/TWILIO": 1,
}
CONNECTIONS = (("SENDGRID", "EMAIL"), ("TWILIO", "SMS"), ("WEB_PUSH", "PUSH"))


def test_a_page_asks_the_api_no_more_often_than_it_must(
    start_service: Any, data_dir: Path, dsn: str
) -> None:
    settings = {"database_url": dsn, "rate_limit": "0.001", "rate_burst": str(BURST)}
    with start_service(data_dir, **settings) as service:
        count_requests(service, "/console/en/add")  # the catalogue is asked for once

        assert {page: count_requests(service, page) for page in PAGES} == PAGES


def count_requests(service: Service, page: str) -> int:
    """Return how many requests the console makes for *page*: what a new workspace lacks then."""
    origin = {"Origin": service.address}
    with (
        service.caller(f"counted-{uuid4().hex}") as client,
        httpx2.Client(base_url=service.address, headers=origin) as browser,
    ):
        ids = [fill(client, type_, channel) for type_, channel in CONNECTIONS]
        token = client.headers["authorization"].removeprefix("Bearer ")
        browser.post("/console/en/sign-in", data={"secret.token": token})
        before = 2 * len(CONNECTIONS) + 1
        answer = browser.get(page.format(id=ids[0]))
        assert answer.status_code == 200, answer.text
        left = 0
        while client.get("/en/api/whoami").is_success:
            left += 1
    return BURST - before - left


def fill(client: httpx2.Client, type_: str, channel: str) -> str:
    """Add a connection of *type_*, which is the default of *channel*; return its id."""
    connection = {"name": f"A {type_}", "type": type_, "channel": channel}
    id_ = client.post("/en/api/integration", json=connection).json()["result"]["data"]["id"]
    default = {"integrationId": id_}
    client.put(f"/en/api/integration-defaults/{channel}", json=default).raise_for_status()
    return id_
