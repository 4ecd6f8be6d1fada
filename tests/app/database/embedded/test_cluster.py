from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.database.embedded.conftest import Stage

Eventually = Callable[[Callable[[], object]], object]


@pytest.mark.parametrize("victim", ["initdb", "keeper"])
def test_a_kill_amid_initdb_spoils_no_later_start(
    cold_stage: "Stage",
    victim: str,
    eventually: Eventually,
) -> None:
    client = cold_stage.begin()
    cold_stage.find("initdb")
    eventually((cold_stage.directory().unfinished / "base").exists)
    cold_stage.find(victim).kill()
    assert "server.log" in client.refusal()
    eventually(cold_stage.is_quiet)
    assert not cold_stage.directory().cluster.exists()

    assert cold_stage.open().sql("SELECT 1") == 1
    assert not cold_stage.directory().unfinished.exists()


def test_the_cluster_checks_its_pages_and_knows_all_letters(standing: "Stage") -> None:
    client = standing.clients[0]
    assert client.sql("SHOW data_checksums") == "on"
    assert client.sql("SHOW server_encoding") == "UTF8"
    assert client.sql("SELECT upper('ñandú')") == "ÑANDÚ"
    assert client.sql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is True
    assert client.sql("SELECT current_user || '/' || current_database()") == (
        "integrations/integrations"
    )
