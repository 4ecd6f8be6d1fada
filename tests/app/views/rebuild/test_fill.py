"""The log is folded in chunks, whose size bounds the memory, and no event is lost between them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest
from msgspec import Struct

from app.event_store.log_range import LogCorruptedError
from app.views.rebuild import fill
from app.views.rebuild.shadow_table import RowTable

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuild.conftest import Live, Views


@pytest.mark.parametrize("chunk_size", [1, 2, 7, 1_000])
async def test_chunks_of_any_size_lead_to_the_live_rows(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch, chunk_size: int
) -> None:
    monkeypatch.setattr(fill, "CHUNK_SIZE", chunk_size)
    await live(1, 150)

    assert not views.check().differs


async def test_rows_in_memory_are_bounded_by_the_chunk_size(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "CHUNK_SIZE", 10)
    copied: list[int] = []
    copy_rows = RowTable.copy_rows

    def counted(table: RowTable, rows: Iterable[Struct | None]) -> None:
        rows = [*rows]
        copied.append(len(rows))
        copy_rows(table, rows)

    monkeypatch.setattr(RowTable, "copy_rows", counted)
    await live(1, 200)

    events = views.rebuild().events

    assert max(copied) <= 10
    assert len(copied) > events / 10


async def test_one_workspace_is_compared_without_the_others(live: "Live", views: "Views") -> None:
    await live(1, 150)
    views.admin.execute(
        "UPDATE integrations.integration_view SET name = 'x' WHERE workspace_id = 'a'"
    )
    [(events,)] = views.admin.execute(
        "SELECT count(*) FROM integrations.events WHERE workspace_id = 'a'"
    ).fetchall()

    compared = views.check("a")

    assert compared.events == events
    assert {each.key[0] for table in compared.tables for each in table.first} == {"a"}
    assert not views.check("b-2").differs


async def test_bytes_that_are_no_event_stop_the_rebuild_without_being_repeated(
    live: "Live", views: "Views"
) -> None:
    await live(1, 20)
    before = views.rows()
    views.admin.execute("SET session_replication_role = replica")
    views.admin.execute("UPDATE integrations.events SET envelope = '\"canary\"' WHERE position = 3")

    with pytest.raises(LogCorruptedError, match="hold bytes that are no event") as raised:
        views.rebuild()

    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert views.rows() == before
