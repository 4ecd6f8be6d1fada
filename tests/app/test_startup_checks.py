"""What stops a start, and what it only says."""

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.database.embedded.config import LOGIN_ROLES
from tests.support.service import StartService

OUR_ROLES = ", ".join(LOGIN_ROLES)
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


@pytest.mark.parametrize("inherits", ["INHERIT", "NOINHERIT"])
def test_a_login_that_has_the_roles_and_nothing_else_serves_what_an_administrator_made(
    dsn: str, data_dir: Path, start_service: StartService, inherits: str
) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE service LOGIN {inherits}".encode())
        admin.execute(f"GRANT {OUR_ROLES} TO service".encode())
    try:
        address = make_conninfo(dsn, user="service", options="")
        with start_service(data_dir, database_url=address) as service, service.caller() as client:
            assert client.post("/en/api/integration", json=BODY).status_code == 201
            assert client.get("/en/api/history-log").json()["result"]["totalCount"] == 1
            assert client.get("/health/ready").status_code == 200
    finally:
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute("DROP ROLE service")
