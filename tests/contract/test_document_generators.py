"""Generators of clients can read the OpenAPI document: what several of them cannot, it has not."""

import re
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


def test_no_schema_of_a_parameter_is_put_together(document: Json) -> None:
    parameters = [each["schema"] for each in objects_in(document) if each.get("in")]

    assert [each for each in parameters for schema in objects_in(each) if "allOf" in schema] == []


def test_no_character_is_one_that_yaml_does_not_know(service: Service) -> None:
    """What is valid JSON and no YAML, which several generators read (YAML 1.1, section 5.1)."""
    document = httpx2.get(f"{service.address}/docs/openapi.json").text

    assert re.findall("[^\x20-\x7e\xa0-\ufffd\U00010000-\U0010ffff]", document) == []
