"""Says whether a value is what a provider's field takes, or something else."""

import re

from app.wrappings import readings, unwrap
from domain.provider import Lookalike, ProviderField


def find_lookalike(text: str, field: ProviderField) -> Lookalike | None:
    """Return what *text* is instead of a value of *field*; None if it may be one."""
    if not field.lookalikes:
        return None
    read = [*readings(text)]
    return next(
        (each for each in field.lookalikes if any(re.search(each.pattern, one) for one in read)),
        None,
    )


def matches_format(text: str, field: ProviderField) -> bool:
    """Return whether *text*, as it is read, has the format of *field*; no format fits all."""
    if field.format is None:
        return True
    read = readings(text) if field.document else [unwrap(text).text]
    return any(re.fullmatch(field.format, reading) for reading in read)
