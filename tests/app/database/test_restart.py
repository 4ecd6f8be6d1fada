"""A PostgreSQL that was restarted: the first request of each kind is served."""

from pathlib import Path

import httpx2

from tests.reliability.postgres import Postgres
from tests.support.service import Service, StartService

LIST = "/en/api/integration"
INTEGRATION = {"name": "Main", "type": "SENDGRID", "channel": "EMAIL"}


def requests_of(service: Service, client: httpx2.Client, browser: httpx2.Client) -> list[int]:
    """Send one request to each pool, by the API and by the console; return their statuses."""
    added = client.post(LIST, json=INTEGRATION)
    one = f"{LIST}/{added.json()['result'].get('data', {}).get('id')}" if added.is_success else LIST
    answers = [
        added,
        *(client.get(path) for path in (LIST, one, f"{one}/history", f"{LIST}-accesses")),
        *(browser.get(f"/console/en/{path}") for path in ("integrations", "history", "defaults")),
        httpx2.get(f"{service.address}/health/ready"),
    ]
    return [answer.status_code for answer in answers]


def test_the_first_request_of_each_kind_is_served_when_the_database_is_back(
    data_dir: Path, start_service: StartService
) -> None:
    postgres = Postgres(data_dir)
    postgres.create()
    try:
        with (
            start_service(data_dir, database_url=postgres.dsn) as service,
            service.caller("demo") as client,
            httpx2.Client(
                base_url=service.address, headers={"Origin": service.address}, timeout=30
            ) as browser,
        ):
            token = client.headers["authorization"].removeprefix("Bearer ")
            assert browser.post("/console/en/sign-in", data={"secret.token": token}).is_redirect
            before = requests_of(service, client, browser)
            assert before == [201, *([200] * 8)]
            for mode in ("fast", "immediate"):
                postgres.stop(mode)
                postgres.start()
                assert requests_of(service, client, browser) == before, mode

            postgres.stop()
            away = client.get(LIST), browser.get("/console/en/integrations")
            assert [answer.status_code for answer in away] == [503, 503]
            postgres.start()
            assert requests_of(service, client, browser) == before
    finally:
        postgres.end()
