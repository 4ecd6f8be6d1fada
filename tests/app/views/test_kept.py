"""What is stored of an entry is what comes back, in whatever way it was stored."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import MsgspecError, json

from app.views.kept import kept_from, kept_from_each, kept_in
from projections.history import PUBLIC, HistoryRow

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
VALUES = st.none() | st.booleans() | st.text()
ROWS = st.builds(
    HistoryRow,
    workspace_id=st.just("demo"),
    action=st.just("INTEGRATION_UPDATED"),
    actor_id=st.just("ann"),
    created_at=st.just(NOON),
    resource_name=st.text(),
    was=st.none() | st.dictionaries(st.sampled_from([*PUBLIC]), VALUES),
)


@given(rows=st.lists(ROWS))
def test_what_is_stored_comes_back_alone_or_together(rows: list[HistoryRow]) -> None:
    stored = [kept_from(row) for row in rows]
    assert kept_from_each(rows) == stored
    assert [kept_in(each) for each in stored] == [(row.resource_name, row.was) for row in rows]


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"[]",
        b'["Mail"]',
        b'["Mail",{}',
        b'["Mail",{"no such column":1}]',
        b'"Mail"',
        b'["\xff",null]',
        b"{}",
        b'{"resource_name":"Mail","details":{"changes":[]}}',
        b'{"resource_name":"Mail","details":{"changes":{"name":null}}}',
        b'{"resource_name":"Mail","details":{"changes":{"name":{"to":"Post"}}}}',
    ],
)
def test_what_is_no_entry_is_refused(stored: bytes) -> None:
    with pytest.raises((MsgspecError, UnicodeDecodeError)):
        kept_in(stored)


def test_what_version_2_of_the_history_stored_is_read_on() -> None:
    changes = {"name": {"from": "Mail", "to": "Post"}, "isActive": {"from": True, "to": False}}
    assert kept_in(whole("INTEGRATION_UPDATED", {"changes": changes})) == (
        "Post",
        {"name": "Mail", "is_active": True},
    )
    added = {"name": {"from": None, "to": "Post"}, "isActive": {"from": None, "to": True}}
    assert kept_in(whole("INTEGRATION_ADDED", {"changes": added})) == ("Post", None)
    assert kept_in(whole("CREDENTIALS_ROTATED", {"credentials": []})) == ("Post", {})


def whole(action: str, details: dict[str, Any]) -> bytes:
    """Return an entry as version 2 stored it, some of what was in it left out."""
    entry = {
        "workspace_id": "demo",
        "stream": "int_1",
        "version": 2,
        "resource_name": "Post",
        "action": action,
        "details": details,
        "actor_id": "ann",
        "created_at": "2026-11-05T12:00:00Z",
    }
    return json.encode(entry)
