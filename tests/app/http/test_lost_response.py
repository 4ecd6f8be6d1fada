"""A commit whose reply is lost is found by its idempotency key: one event."""

from pathlib import Path

import psycopg

from tests.reliability.proxy import Proxy
from tests.support.service import StartService

PATH = "/en/api/integration"
BODY = {"name": "Lost", "type": "TWILIO", "channel": "SMS", "apiSecret": "sealed"}
KEY = "reply-that-is-lost"
RECORDING = f'"key":"{KEY}"'.encode()  # in what integrations.record is called with


def test_a_commit_whose_reply_is_lost_is_one_event_and_its_response_is_stored(
    start_service: StartService, data_dir: Path, dsn: str
) -> None:
    proxy = Proxy()
    proxy.lose_reply_to = RECORDING
    headers = {"Idempotency-Key": KEY}
    with (
        proxy.open(dsn) as way,
        start_service(data_dir, database_url=way) as service,
        service.caller() as client,
    ):
        lost = client.post(PATH, json=BODY, headers=headers)
        assert proxy.lost_replies == 1
        assert (lost.status_code, lost.headers["Retry-After"]) == (503, "1")
        again = client.post(PATH, json=BODY, headers=headers)
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
        listed = client.get(PATH).json()["result"]
        assert [found["id"] for found in listed["data"]] == [again.json()["result"]["data"]["id"]]
    with psycopg.connect(dsn) as connection:
        types = connection.execute("SELECT type FROM integrations.events").fetchall()
    assert types == [("IntegrationCreated",)]
