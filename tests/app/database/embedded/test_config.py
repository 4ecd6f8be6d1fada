from collections.abc import Callable
from typing import TYPE_CHECKING

import psutil
import pytest

from app.database.embedded.config import quoted
from app.database.embedded.memory import shared_buffers

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

    log = stage.home().log
    eventually(lambda: "was terminated by signal 9" in log.read_text())
    assert CANARY not in log.read_text()
    eventually(lambda: "rows" in client.ask("sql", running))  # it has recovered


def test_a_durable_server_waits_for_the_disk(standing: "Stage") -> None:
    client = standing.clients[0]
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        assert client.sql(f"SHOW {setting}") == "on"


def test_the_server_keeps_as_many_pages_at_hand_as_the_machine_allows(standing: "Stage") -> None:
    pages = "SELECT setting::int / 128 FROM pg_settings WHERE name = 'shared_buffers'"
    assert standing.clients[0].sql(pages) == shared_buffers()


@pytest.mark.parametrize(("value", "text"), [("a", "'a'"), ("o'b", "'o''b'"), ("\\", "'\\\\'")])
def test_a_value_is_quoted_as_postgresql_conf_wants_it(value: str, text: str) -> None:
    assert quoted(value) == text
