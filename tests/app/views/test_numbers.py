"""Pages of numbers: as if all of them had been listed."""

from hypothesis import given
from hypothesis import strategies as st

from app.views.numbers import Numbers


@given(data=st.data(), below=st.integers(0, 30), length=st.integers(0, 30))
def test_a_page_is_a_slice_of_all_numbers_newest_first(
    data: st.DataObject, below: int, length: int
) -> None:
    upto = below + length
    between = range(below + 1, upto + 1)
    without = data.draw(st.sets(st.sampled_from(between)) if between else st.just(set[int]()))
    later = data.draw(st.sets(st.integers(upto + 1, upto + 20)))
    numbers = Numbers(below, upto, sorted(without, reverse=True), sorted(later, reverse=True))
    everything = sorted({*between} - without | later, reverse=True)
    offset, limit = data.draw(st.integers(0, 60)), data.draw(st.integers(0, 20))

    assert numbers.total == len(everything)
    assert numbers.page(offset, limit) == everything[offset : offset + limit]


def test_a_page_deep_in_a_long_list_is_not_counted_to() -> None:
    assert Numbers(0, 10**15).page(10**15 - 2, 20) == [2, 1]
