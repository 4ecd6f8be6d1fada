"""Reading JSON of which nothing is known yet."""

import json
from collections.abc import Mapping
from typing import cast

Json = Mapping[str, object]


def as_object(value: object) -> Json:
    """Return *value* if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[object]:
    """Return *value* if it is a list, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def decode_object(content: bytes) -> Json:
    """Return the JSON object in *content*, an empty one if there is none."""
    try:
        return as_object(json.loads(content))
    except (ValueError, RecursionError):
        return {}
