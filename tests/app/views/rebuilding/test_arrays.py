"""Arrays are packed as psycopg encodes them."""

from datetime import UTC, datetime, timedelta

import psycopg
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import Format

from app.views.rebuilding.arrays import Int4s, Int8s, PackedDumper, Texts, Times

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
INSTANTS = st.integers(-(10**16), 10**16).map(lambda n: NOON + timedelta(microseconds=n))
VALUES: dict[type[PackedDumper], st.SearchStrategy[list[object]]] = {
    Int4s: st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1),
    Int8s: st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1),
    Times: st.lists(INSTANTS, min_size=1),
    Texts: st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1),
}


@given(data=st.data(), dumper=st.sampled_from([*VALUES]))
def test_arrays_are_packed_as_psycopg_encodes_them(
    data: st.DataObject, dumper: type[PackedDumper]
) -> None:
    values = data.draw(VALUES[dumper])
    theirs = Transformer(psycopg.adapters)
    theirs.set_dumper_types([dumper.oid], Format.BINARY)

    assert dumper(list).dump(values) == theirs.dump_sequence([values], [PyFormat.BINARY])[0]
