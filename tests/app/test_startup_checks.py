"""What stops a start, and what it only says."""

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.database.embedded.config import LOGIN_ROLES
from app.settings import SettingsError, read_settings
from app.startup_checks import require_console_origin
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


@pytest.mark.parametrize(
    ("given", "starts"),
    [
        ({"HOST": "127.0.0.1"}, True),
        ({"HOST": "::1"}, True),
        ({"HOST": "localhost"}, True),
        ({"HOST": "192.0.2.1"}, False),
        ({"HOST": "0.0.0.0"}, False),  # noqa: S104 — nothing listens
        ({"HOST": "::"}, False),
        ({"HOST": "::", "CONSOLE": "on"}, False),
        ({"HOST": "::", "CONSOLE": "off"}, True),
        ({"HOST": "::", "CONSOLE_ORIGIN": "https://integrations.example"}, True),
    ],
)
def test_a_console_that_others_can_reach_needs_its_address(
    given: dict[str, str], *, starts: bool
) -> None:
    settings = read_settings({f"INTEGRATIONS_{name}": value for name, value in given.items()})
    if starts:
        require_console_origin(settings)
        return
    with pytest.raises(SettingsError, match="or set INTEGRATIONS_CONSOLE=off") as refused:
        require_console_origin(settings)
    assert "\n" not in str(refused.value)
