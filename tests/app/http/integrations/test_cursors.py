from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.field_rules import FieldError
from app.http.integrations.cursors import cursor_key, cursor_order, decode_cursor, encode_cursor
from app.views.list_queries import SortOrder

moments = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1))  # noqa: DTZ001 — with timezones= it takes a naive bound
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120)


@given(descending=st.booleans(), name=names)
def test_a_cursor_by_name_is_decoded_to_its_key(descending: bool, name: str) -> None:
    order = SortOrder("name_key", descending)
    cursor = decode_cursor(encode_cursor(order, (name, "int_1")))
    assert (cursor_order(cursor), cursor_key(cursor)) == (order, (name, "int_1"))


@given(descending=st.booleans(), column=st.sampled_from(["created_at", "updated_at"]), time=moments)
def test_a_cursor_by_time_is_decoded_to_its_key(
    descending: bool, column: str, time: datetime
) -> None:
    order = SortOrder(column, descending)  # pyright: ignore[reportArgumentType] — a column, as sampled
    cursor = decode_cursor(encode_cursor(order, (time, "int_1")))
    assert (cursor_order(cursor), cursor_key(cursor)) == (order, (time, "int_1"))


@given(st.text(max_size=1100) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_other_text_is_an_invalid_cursor(text: str) -> None:
    with pytest.raises(FieldError) as refused:
        decode_cursor(text)
    assert refused.value.problem.code == "INVALID_CURSOR"
