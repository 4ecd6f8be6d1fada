"""Finds the name that is meant by one that is written in another way: `api_key` for `apiKey`."""

import re
from collections.abc import Mapping
from functools import cache

MAX_LENGTH = 64  # characters of a name that is compared
BETWEEN_WORDS = re.compile(r"[\s._-]+")


def similar_name(name: str, known: tuple[str, ...]) -> str | None:
    """Return which of the *known* names differs from *name* by case and the signs between words.

    It may be the path of a member, of which the last part counts.
    """
    return folded_names(known).get(fold(name)) if len(name) <= MAX_LENGTH else None


@cache
def folded_names(known: tuple[str, ...]) -> Mapping[str, str]:
    """Return the *known* names by what is compared of them."""
    return {fold(name.rpartition(".")[2]): name for name in reversed(known)}


def fold(name: str) -> str:
    """Return *name* in small letters, without the signs between its words."""
    return BETWEEN_WORDS.sub("", name).casefold()
