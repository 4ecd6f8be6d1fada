"""A start says which views were made by other code, and serves them all the same."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg

StartService = Callable[..., AbstractContextManager[Any]]
BODY = {"name": "Mail", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.x"}


def test_a_new_version_of_a_views_code_is_logged_with_the_command_to_run(
    dsn: str, data_dir: Path, start_service: StartService
) -> None:
    with start_service(data_dir, database_url=dsn) as service:
        with service.caller() as client:
            assert client.post("/en/api/integration", json=BODY).status_code == 201
        assert "another version" not in service.log_file.read_text()
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "UPDATE integrations.projections SET version = 0 WHERE name = 'integration_view'"
        )

    with start_service(data_dir, database_url=dsn) as service:
        with service.caller() as client:
            assert client.get("/en/api/history-log").json()["result"]["totalCount"] == 1
        log = service.log_file.read_text()

    assert log.count("until you run: integrations rebuild integration_view") == 1
