"""What holds for every projection of the catalogue, whatever it shows."""

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from domain.envelope import Envelope
from projections.projection import Projection
from projections.registry import PROJECTIONS

EVERY = pytest.mark.parametrize("projection", PROJECTIONS.values(), ids=PROJECTIONS.keys())
COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'integrations' AND table_name = %s ORDER BY ordinal_position
"""


@pytest.mark.parametrize("name", PROJECTIONS)
def test_the_catalogue_names_a_projection_as_it_names_itself(name: str) -> None:
    assert PROJECTIONS[name].name == name


@EVERY
@given(data=st.data())
def test_a_projection_refuses_no_event_in_no_order(
    projection: Projection[Struct],
    data: st.DataObject,
    any_history: st.SearchStrategy[list[Envelope]],
) -> None:
    row = projection.fold(data.draw(any_history))
    assert row is None or type(row) is projection.row


@EVERY
@given(data=st.data())
def test_folding_on_from_a_stored_row_is_folding_from_the_beginning(
    projection: Projection[Struct],
    data: st.DataObject,
    any_history: st.SearchStrategy[list[Envelope]],
) -> None:
    history = data.draw(any_history)
    cut = data.draw(st.integers(0, len(history)))
    before = projection.fold(history[:cut])
    stored = msgspec.json.decode(msgspec.json.encode(before), type=projection.row | None)
    assert projection.fold(history[cut:], start=stored) == projection.fold(history)


@EVERY
def test_the_fields_of_the_row_are_the_columns_of_the_table_in_its_order(
    projection: Projection[Struct], dsn: str
) -> None:
    with psycopg.connect(dsn) as connection:
        columns = [name for (name,) in connection.execute(COLUMNS, (projection.name,))]
    assert columns == list(projection.row.__struct_fields__)
