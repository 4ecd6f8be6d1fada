r"""Reads JSON whose strings may hold half of a surrogate pair (`\ud800`), as RFC 8259 allows."""

import json
import re
from typing import NoReturn

import msgspec

SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def decode_json(text: bytes) -> object:
    """Return the value of the JSON *text*; no UTF-8 can hold such a half, so callers look for it.

    Raises:
        ValueError: it is not JSON in UTF-8, or has a number that is too large.
        RecursionError: it is nested too deeply.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        if not SURROGATE.search(text):
            raise
    return json.loads(text.decode(), parse_constant=refuse_constant)


def refuse_constant(_: str) -> NoReturn:
    """Raise ValueError: NaN and Infinity are not JSON."""
    raise ValueError
