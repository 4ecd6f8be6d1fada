"""Times as answers show them."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.http.responses import timestamp


@given(time=st.datetimes(timezones=st.just(UTC)))
def test_a_time_has_three_decimals_and_a_z_whenever_it_is(time: datetime) -> None:
    assert timestamp(time) == time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def test_a_whole_second_has_three_decimals_too() -> None:
    assert timestamp(datetime(2025, 2, 20, 9, tzinfo=UTC)) == "2025-02-20T09:00:00.000Z"
