"""What the options of commands take as a place in the log, or as a time."""

from datetime import datetime

import click

from app.replay.filters import PointInTime, PointInTimeError, parse_point_in_time


class PointInTimeType(click.ParamType[PointInTime]):
    """A position of the log or a time."""

    name = "position or time"

    def convert(
        self, value: str | PointInTime, param: click.Parameter | None, ctx: click.Context | None
    ) -> PointInTime:
        """Return the position or time that *value* names."""
        if not isinstance(value, str):
            return value
        try:
            return parse_point_in_time(value)
        except PointInTimeError as error:
            self.fail(str(error), param, ctx)


class TimeType(click.ParamType[datetime]):
    """A time, and no position: the access journal has positions of its own."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the time that *value* names."""
        found = value if isinstance(value, datetime) else find_time(value)
        if found is None:
            example = "such as 2026-11-29 or 2026-11-29T09:00:00Z"
            self.fail(f"write a date or a time, {example}", param, ctx)
        return found


def find_time(text: str) -> datetime | None:
    """Return the time that *text* names, None if it names none."""
    try:
        found = parse_point_in_time(text)
    except PointInTimeError:
        return None
    return found if isinstance(found, datetime) else None


POINT_IN_TIME, TIME = PointInTimeType(), TimeType()
