"""Providers that are not ours, and those that are gone: the console has no code for any."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx2
import psycopg
from psycopg.conninfo import make_conninfo

from tests.support.service import Service, StartService

FormOf = Callable[[httpx2.Response], dict[str, str]]
FOLDER = Path(__file__).parents[3] / "providers"
ADD = "/console/en/add/POSTMARK"


@contextmanager
def signed_in(service: Service) -> Generator[httpx2.Client]:
    """A browser with a session of *service*."""
    with httpx2.Client(base_url=service.address, headers={"Origin": service.address}) as visitor:
        token = service.caller().headers["authorization"].removeprefix("Bearer ")
        answer = visitor.post("/console/en/sign-in", data={"secret.token": token})
        assert answer.status_code == 303, answer.text
        yield visitor


def test_a_file_more_is_a_provider_more_and_a_file_less_a_retired_one(
    start_service: StartService, server_dsn: str, tmp_path: Path, form_of: FormOf
) -> None:
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE console_providers")
    place = {"database_url": make_conninfo(server_dsn, dbname="console_providers")}
    with (
        start_service(tmp_path, providers=str(FOLDER), **place) as service,
        signed_in(service) as console,
    ):
        assert "Postmark" in console.get("/console/en/add").text
        form = {**form_of(console.get(ADD)), "name": "Ours", "senderEmail": "a@example.com"}
        overview = console.post(ADD, data=form).headers["location"].partition("?")[0]

    with start_service(tmp_path, **place) as service, signed_in(service) as console:
        assert console.get(ADD).status_code == 404
        page = unescape(console.get(overview).text)
        assert "Retired" in page
        assert "a@example.com" in page
        form = {**form_of(console.get(f"{overview}/edit")), "senderEmail": ""}
        assert console.post(f"{overview}/edit", data=form).status_code == 303
        assert "a@example.com" not in console.get(overview).text
        assert console.get(f"{overview}/credentials").status_code == 200
        form = {**form_of(console.get(f"{overview}/delete")), "confirmation": "Ours"}
        answer = console.post(f"{overview}/delete", data=form)
        assert answer.headers["location"] == "/console/en/integrations"


def test_too_many_requests_keep_the_form_and_its_key(
    start_service: StartService, server_dsn: str, tmp_path: Path, form_of: FormOf
) -> None:
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE console_limits")
    settings = {
        "database_url": make_conninfo(server_dsn, dbname="console_limits"),
        "rate_limit": "0.001",
        "rate_burst": "4",  # signing in, the form, and a POST but for its last request
    }
    path = "/console/en/add/TWILIO"
    with start_service(tmp_path, **settings) as service, signed_in(service) as console:
        form = {
            **form_of(console.get(path)),
            "name": "Ours",
            "secret.apiSecret": "kP3vXw8LqT2mRz5NbY7cJd4HsF6gUaE1",
        }
        answer = console.post(path, data=form)

    assert answer.status_code == 429
    assert answer.headers["hx-retarget"] == "#alerts"
    assert "Too many requests" in answer.text
    assert f'data-retry-after="{answer.headers.get("retry-after", "")}' in answer.text
    assert form_of(answer) == {**form, "secret.apiSecret": ""}
