"""The server takes an eighth of the memory that there is for it, within bounds."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from app.database.embedded.config import quote, shared_buffers_mb

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.database.embedded.conftest import Stage

Eventually = Callable[[Callable[[], object]], object]
CANARY = "canary4711"
STATEMENTS = (
    "SELECT 'canary4711'::integer",
    "CREATE TABLE keys AS SELECT 'canary4711'::text AS key; CREATE UNIQUE INDEX ON keys (key)",
    "INSERT INTO keys VALUES ('canary4711')",
    "DO $$ BEGIN RAISE WARNING 'canary4711'; RAISE EXCEPTION 'canary4711'; END $$",
    "SELECT 'canary4711' FROM nowhere",
)


def test_the_log_never_carries_data(stage: "Stage", eventually: Eventually) -> None:
    client = stage.open()
    for statement in STATEMENTS:
        client.ask("sql", statement)
    client.ask("busy", "SELECT pg_sleep(60), 'canary4711'")
    running = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    eventually(lambda: client.ask("sql", running)["rows"])
    psutil.Process(client.sql(running)).kill()  # PostgreSQL would like to log its statement

    log = stage.directory().log
    eventually(lambda: "was terminated by signal 9" in log.read_text())
    assert CANARY not in log.read_text()
    eventually(lambda: "rows" in client.ask("sql", running))  # it has recovered


def test_a_durable_server_waits_for_the_disk(standing: "Stage") -> None:
    client = standing.clients[0]
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        assert client.sql(f"SHOW {setting}") == "on"


def test_the_server_keeps_as_many_pages_at_hand_as_the_machine_allows(standing: "Stage") -> None:
    pages = "SELECT setting::int / 128 FROM pg_settings WHERE name = 'shared_buffers'"
    assert standing.clients[0].sql(pages) == shared_buffers_mb()


@pytest.mark.parametrize(("value", "text"), [("a", "'a'"), ("o'b", "'o''b'"), ("\\", "'\\\\'")])
def test_a_value_is_quoted_as_postgresql_conf_wants_it(value: str, text: str) -> None:
    assert quote(value) == text


GB = 1 << 30


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with 4 GB."""
    pages = {"SC_PHYS_PAGES": 1 << 20, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("limit", "taken"),
    [
        ("max", 512),
        (str(2 * GB), 256),
        (str(GB // 2), 128),
        (str(100 * GB), 512),
        ("9223372036854771712", 512),
    ],
)
def test_it_takes_an_eighth_of_the_machine_or_of_what_a_container_may_have(
    tmp_path: Path, limit: str, taken: int
) -> None:
    file = tmp_path / "memory.max"
    file.write_text(f"{limit}\n")
    assert shared_buffers_mb([file, tmp_path / "missing"]) == taken


def test_on_a_large_machine_it_takes_a_gigabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1 << 24, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert shared_buffers_mb([]) == 1024
