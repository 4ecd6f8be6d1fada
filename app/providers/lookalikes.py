"""Finds values that are something else than what a provider's field takes."""

import re

from app.pasted_text import readings
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
