"""Who is signed in to the console is known to the browser alone: codes, cookies and tokens."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx2
import psycopg
from msgspec import Struct

from app.database.embedded import open_embedded
from tests.canary.conftest import Hidden
from tests.support.service import INTEGRATIONS, Service, StartService

Database = psycopg.Connection
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
ENTER = "/console/en/enter"


class SignIns(Struct):
    """What browsers and callers had in their hands, and what the command wrote to stderr."""

    keys: set[str] = set()
    told: bytes = b""


def walk(service: Service) -> SignIns:
    """Sign in by the API's link and by the command's, use both sessions, end one of them."""
    found = SignIns()
    printed = subprocess.run(
        [*INTEGRATIONS, "console", "--workspace", "demo"],
        env=service.environment | {"INTEGRATIONS_CONSOLE_ORIGIN": service.address},
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    found.told += printed.stderr
    with service.caller() as client:
        given = client.post("/en/api/console-link").json()["result"]["data"]["url"]
        unused = client.post("/en/api/console-link").json()["result"]["data"]["url"]
        found.keys.add(client.headers["authorization"].rpartition(".")[2])
    codes = [link.rpartition("#")[2] for link in (given, printed.stdout.decode().strip(), unused)]
    found.keys.update(codes)
    for code in codes[:2]:
        with httpx2.Client(base_url=service.address, headers=SAME_ORIGIN) as browser:
            found.keys.add(sign_in(browser, code))
            assert browser.get("/console/en/integrations").status_code == 200
            if code == codes[0]:
                browser.post("/console/en/sign-out")
            assert browser.post(ENTER, data={"secret.code": code}).status_code == 422
    return found


def sign_in(browser: httpx2.Client, code: str) -> str:
    """Return the cookie that *browser* gets for *code*."""
    assert browser.post(ENTER, data={"secret.code": code}).status_code == 200
    entered = browser.post(ENTER, data={"secret.code": code, "agreed": "yes"})
    assert entered.status_code == 303
    [cookie] = browser.cookies.values()
    return cookie


def test_no_byte_that_is_kept_signs_in(
    start_service: StartService,
    data_dir: Path,
    make_talkative: Callable[[Database], None],
    hidden: type[Hidden],
) -> None:
    with (
        start_service(data_dir, log_level="DEBUG") as service,
        open_embedded(data_dir) as server,
        psycopg.connect(server.dsn, autocommit=True) as database,
    ):
        make_talkative(database)
        walked = walk(service)
        database.execute("CHECKPOINT")
        for key in walked.keys:
            looked_for = hidden(key.encode())
            assert looked_for.found_under(data_dir) == {}
            assert looked_for.found_in(walked.told) == []
        [(sessions, codes)] = database.execute(
            "SELECT (SELECT count(*) FROM integrations.console_sessions),"
            " (SELECT count(*) FROM integrations.console_codes)"
        ).fetchall()
        # The negative control: a statement that has one of them is found in the server's log.
        some = min(walked.keys)
        database.execute("SELECT %s", (some,))

    assert len(walked.keys) == 6
    assert (sessions, codes) == (1, 1)
    assert hidden(some.encode()).found_under(data_dir) != {}
