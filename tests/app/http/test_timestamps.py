"""Times of the API: parsing query strings and formatting responses."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.field_rules import FieldError
from app.http.timestamps import END, POINT_IN_TIME, START, format_timestamp

NINE = datetime(2025, 2, 20, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2025-02-20T09:00:00Z",
        "2025-02-20T09:00:00.000Z",
        "2025-02-20T09:00Z",
        "2025-02-20T09:00:00",  # no offset is UTC
        "2025-02-20T10:00:00+01:00",
        "2025-02-20T10:00:00 01:00",  # a + that was not escaped
        "2025-02-20T03:30:00-05:30",
        "2025-02-20T10:00:00+0100",  # date +%z
        "2025-02-20T10:00:00 0100",
        "2025-02-20T09:00:00.0000000Z",  # .NET
        "2025-02-20T10:00:00.0000009+01:00",
        "2025-02-20T09:00:00.000000999Z",  # Java and Go
    ],
)
def test_a_date_time_is_one_point_in_time_with_any_offset(written: str) -> None:
    assert START(written) == END(written) == POINT_IN_TIME(written) == NINE


def test_a_date_covers_its_whole_day() -> None:
    midnight = datetime(2025, 2, 20, tzinfo=UTC)
    last = datetime(2025, 2, 20, 23, 59, 59, 999999, UTC)
    assert START("2025-02-20") == midnight
    assert END("2025-02-20") == POINT_IN_TIME("2025-02-20") == last


@pytest.mark.parametrize(("written", "position"), [("0", 0), ("42", 42), ("9" * 12, 10**12 - 1)])
def test_digits_are_a_position(written: str, position: int) -> None:
    assert POINT_IN_TIME(written) == position


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "-1",
        "1764486000000",  # Date.now()
        "1" * 19,
        "2025-02-20T09:00:00.0000000000Z",
        "2025-02-20T09:00:00+1",
        "٣",
        "2025-02-30",
        "2025-13-01",
        "2025-2-3",
        "2025-W08-4",
        "2025-02-20 09:00:00",
        "2025-02-20T25:00:00Z",
        "2025-02-20T09:00:00+25:00",
        "2025-02-20T09:00:00Z\n",
        "0001-01-01T00:00:00+01:00",  # before the first year
        "9999-12-31T23:59:59-01:00",  # after the last
        "0000-01-01",
    ],
)
def test_other_text_is_not_a_point_in_time(written: str) -> None:
    for rule, code in (
        (POINT_IN_TIME, "INVALID_MOMENT"),
        (START, "INVALID_TIME"),
        (END, "INVALID_TIME"),
    ):
        with pytest.raises(FieldError) as refused:
            rule(written)
        assert refused.value.problem.code == code


@given(at=st.datetimes(timezones=st.just(UTC)))
def test_python_isoformat_is_parsed_back(at: datetime) -> None:
    assert START(at.isoformat()) == at


@given(written=st.text() | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"))
def test_any_text_raises_nothing_but_a_refusal(written: str) -> None:
    with suppress(FieldError):
        POINT_IN_TIME(written)


@given(time=st.datetimes(timezones=st.just(UTC)))
def test_every_time_has_three_decimals_and_a_z(time: datetime) -> None:
    assert (
        format_timestamp(time) == time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    )


def test_a_whole_second_has_three_decimals_too() -> None:
    assert format_timestamp(datetime(2025, 2, 20, 9, tzinfo=UTC)) == "2025-02-20T09:00:00.000Z"
