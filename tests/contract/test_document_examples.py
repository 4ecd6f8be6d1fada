"""The OpenAPI document shows how to use it: descriptions, and examples that are true (O12)."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

import httpx2
import jsonschema_rs
import pytest

from tests.support.service import Service
from tests.support.worker import Worker

Json = dict[str, Any]
KEYS = re.compile(r"SG\.[\w-]{16,}|AC[0-9a-f]{32}|-----BEGIN|eyJ[\w-]{10,}\.[\w-]{10,}\.")


@pytest.fixture(scope="module")
def document(service: Service) -> Json:
    return httpx2.get(f"{service.address}/docs/openapi.json").json()


def operations_in(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield the id of each operation, and the operation."""
    for item in document["paths"].values():
        for operation in item.values():
            yield operation["operationId"], operation


def resolved(document: Json, part: Json) -> Json:
    """Return *part*, or the component that it refers to."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    return document["components"][kind][name]


def wrong_in(document: Json, schema: Json, value: object) -> str | None:
    """Return what is wrong with *value* by *schema* of *document*; None if nothing is."""
    whole = {**schema, "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return next((f"{value}: {error.message}" for error in validator.iter_errors(value)), None)


def examples_in(media: Json) -> list[object]:
    """Return the examples of a media type."""
    return [*(each["value"] for each in media.get("examples", {}).values())] or [media["example"]]


def test_each_operation_has_a_summary_and_a_description(document: Json) -> None:
    for name, operation in operations_in(document):
        assert operation["summary"], name
        assert operation["description"].startswith(operation["summary"]), name
        assert operation["description"].endswith("."), name


def test_each_response_has_an_example_of_its_schema(document: Json) -> None:
    for name, operation in operations_in(document):
        for status, response in operation["responses"].items():
            content = resolved(document, response).get("content", {})
            assert content or status == "304", name
            for media_type, media in content.items():
                for example in examples_in(media):
                    assert example is not None, (name, status, media_type)
                    assert wrong_in(document, media["schema"], example) is None, (name, status)


def test_each_body_has_examples_of_its_schema(document: Json) -> None:
    for name, operation in operations_in(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            for example in examples_in(media):
                assert wrong_in(document, media["schema"], example) is None, name


def test_each_parameter_has_a_description_and_an_example_of_its_schema(document: Json) -> None:
    for name, operation in operations_in(document):
        for each in operation["parameters"]:
            parameter = resolved(document, each)
            schema = parameter["schema"]
            assert parameter["description"], (name, parameter["name"])
            filled_in = [parameter["example"]] if "example" in parameter else []
            for example in (*schema["examples"], *filled_in):
                assert wrong_in(document, schema, example) is None, (name, parameter["name"])


def test_what_must_be_given_is_filled_in_but_for_the_integration(document: Json) -> None:
    for name, operation in operations_in(document):
        for each in operation["parameters"]:
            parameter = resolved(document, each)
            is_wanted = parameter["required"] and parameter["name"] != "integrationId"
            assert ("example" in parameter) is is_wanted, (name, parameter["name"])
    assert document["components"]["parameters"]["locale"]["example"] == "en"


def strings_in(value: object) -> Iterator[str]:
    """Yield each string in *value*."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings_in([*cast("Json", value).values()])
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from strings_in(each)


def test_each_sample_date_is_a_date_and_no_example_holds_a_secret(document: Json) -> None:
    samples: list[object] = []
    for _, operation in operations_in(document):
        for response in operation["responses"].values():
            for media in resolved(document, response).get("content", {}).values():
                samples += examples_in(media)
        for media in operation.get("requestBody", {}).get("content", {}).values():
            samples += examples_in(media)
        for each in operation["parameters"]:
            samples += resolved(document, each)["schema"].get("examples", [])
    texts = [*strings_in(samples)]

    dates = [text for text in texts if re.match(r"\d{4}-\d\d-\d\d", text)]
    assert len(dates) > 20
    assert all(datetime.fromisoformat(date) for date in dates)
    assert [text for text in texts if KEYS.search(text)] == []
    assert "BEGIN PRIVATE" not in json.dumps(document)


def test_what_workers_auditors_and_platforms_get_is_of_the_schema_of_its_status(
    service: Service, document: Json
) -> None:
    operations = dict(operations_in(document))
    body = {"name": "n", "type": "TWILIO", "channel": "SMS", "apiSecret": "s"}
    worker = Worker(service, "leases-by-document")
    with service.caller("leases-by-document") as admin, worker.client:
        place = admin.post("/en/api/integration", json=body).headers["location"]
        lease = f"{place}/lease"
        answers = [
            ("leaseIntegration", worker.client.post(lease, json={"purpose": "campaign:1"})),
            ("leaseIntegration", worker.client.post(lease, json={"purpose": "a b"})),
            ("leaseIntegration", worker.lease("int_00000000000000000000000000")),
            ("leaseIntegration", admin.post(lease)),
            ("listLeaseKeys", admin.get("/en/api/lease-keys")),
        ]
        admin.post(f"{place}/toggle", json={"isActive": False})
        answers += [
            ("leaseIntegration", worker.client.post(lease)),
            ("getAccesses", admin.get(f"{place}/accesses")),
            ("listAccesses", admin.get("/en/api/integration-accesses", params={"limit": 1})),
            ("createConsoleLink", admin.post("/en/api/console-link")),
        ]

    came = [answer.status_code for _, answer in answers]
    assert came == [200, 400, 404, 403, 200, 409, 200, 200, 201]
    for name, answer in answers:
        response = resolved(document, operations[name]["responses"][str(answer.status_code)])
        schema = response["content"]["application/json"]["schema"]
        assert wrong_in(document, schema, answer.json()) is None, (name, answer.text)
        lacking = [header for header in response["headers"] if header not in answer.headers]
        assert lacking == [], name
