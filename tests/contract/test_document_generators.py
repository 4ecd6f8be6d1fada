"""Generators of clients can read the OpenAPI document: what several of them cannot, it has not."""

from collections.abc import Iterator
from typing import Any, cast

import httpx2
import pytest

from tests.support.service import Service

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document(service: Service) -> Json:
    return httpx2.get(f"{service.address}/docs/openapi.json").json()


def objects_in(value: object) -> Iterator[Json]:
    """Yield each object of JSON in *value*."""
    if isinstance(value, dict):
        yield cast("Json", value)
        value = [*cast("Json", value).values()]
    if isinstance(value, list):
        for each in cast("list[object]", value):
            yield from objects_in(each)


def test_no_property_is_null_alone(document: Json) -> None:
    properties = [each.get("properties", {}) for each in objects_in(document)]

    assert {"type": "null"} not in [schema for each in properties for schema in each.values()]
