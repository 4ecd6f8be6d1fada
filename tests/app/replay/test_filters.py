from datetime import UTC, datetime

import pytest

from app.replay.filters import PointInTimeError, parse_point_in_time


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1200", 1200),
        ("2026-11-05T09:00:00Z", datetime(2026, 11, 5, 9, tzinfo=UTC)),
        ("2026-11-05T09:00:00+01:00", datetime(2026, 11, 5, 8, tzinfo=UTC)),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_position_and_a_time_are_moments(text: str, moment: int | datetime) -> None:
    assert parse_point_in_time(text) == moment


@pytest.mark.parametrize(
    "text", ["", "x", "9" * 5_000, "0001-01-01T00:00+05:00", "9999-12-31T23:00-05:00", "\udcff"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(PointInTimeError):
        parse_point_in_time(text)
