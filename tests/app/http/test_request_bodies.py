"""Duplicate fields of a body are found."""

import json
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.http.request_bodies import decode_object, find_duplicate_fields

NAMES = st.sampled_from(["a", "b", 'c"', "ä", ""])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text('ab"\\\u2028', max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=3,
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4), st.booleans())
def test_exactly_the_duplicate_names_are_found(
    pairs: list[tuple[str, Any]], ascii_only: bool
) -> None:
    written = [f"{json.dumps(n)}:{json.dumps(v, ensure_ascii=ascii_only)}" for n, v in pairs]
    body = f"{{{','.join(written)}}}".encode()

    found = [*find_duplicate_fields(body, decode_object(body))]

    twice = sum(times > 1 for times in Counter(name for name, _ in pairs).values())
    assert [problem.code for _, problem in found] == ["REPEATED_FIELD"] * twice
