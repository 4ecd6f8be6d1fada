"""The OpenAPI document is true: Schemathesis asks the running service whatever it allows."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.providers.registry import load_providers
from tests.support.service import Service

CONFIG = Path(__file__).with_name("schemathesis.toml")
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
PREFIX = "/{locale}/api/integration"
SECRETS = {"apiKey", "apiSecret", "vapidPrivateKey"}
WALKED = (
    *("INTEGRATION_ADDED", "INTEGRATION_UPDATED", "CREDENTIALS_ROTATED", "CREDENTIALS_CHECKED"),
    "INTEGRATION_REMOVED",
)
# How long it takes to draw texts by a pattern says something of the machine, not of the service.
ON_ANY_MACHINE = ("--suppress-health-check", "too_slow")


def explore(
    service: Service, *options: str, timeout: int, workspace: str = "schemathesis"
) -> subprocess.CompletedProcess[str]:
    """Run all checks of Schemathesis, positive and negative, in a workspace of their own."""
    token = service.token("--subject", "schemathesis", workspace=workspace)
    command = [SCHEMATHESIS, "--config-file", CONFIG, "run", f"{service.address}/docs/openapi.json"]
    return subprocess.run(
        [*command, "--header", f"Authorization: Bearer {token}", "--workers", "1", *options],
        capture_output=True,
        check=False,
        text=True,
        timeout=timeout,
    )


def test_answers_are_true_to_the_document(service: Service, document: dict[str, Any]) -> None:
    options = ("--max-examples", "5", "--seed", "4", "--phases", "examples,coverage,fuzzing")

    run = explore(service, *options, *ON_ANY_MACHINE, timeout=280)

    assert run.returncode == 0, run.stdout
    assert f"Tested: {len([*operations_in(document)])}" in run.stdout


@pytest.mark.timeout(600)
def test_links_lead_from_creation_through_every_change_to_deletion(service: Service) -> None:
    """Walks are random, and may end before they come to a change: several are taken, if need be."""
    with service.caller("walk") as client:
        for seed in ("4", "5", "6", "7", "8"):
            options = ("--max-examples", "40", "--seed", seed, "--phases", "stateful")
            run = explore(service, *options, *ON_ANY_MACHINE, timeout=280, workspace="walk")
            assert run.returncode == 0, run.stdout
            counts = {each: count_entries(client, each) for each in WALKED}
            if all(counts.values()):
                return
    pytest.fail(f"no walk came to a change: {counts}")


def count_entries(client: httpx2.Client, action: str) -> int:
    found = client.get("/en/api/history-log", params={"action": action, "limit": 1})
    return found.json()["result"]["totalCount"]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_answers_are_true_to_the_document_whatever_and_whenever(
    service: Service,
) -> None:
    # A check would ask the real providers about what was created before.
    options = ("--max-examples", "400", "--max-time", "180", "--exclude-operation-id")

    run = explore(service, *options, "checkCredentials", timeout=380)

    assert run.returncode == 0, run.stdout


@pytest.fixture(scope="module")
def document(service: Service) -> dict[str, Any]:
    return httpx2.get(f"{service.address}/docs/openapi.json").json()


@pytest.fixture(scope="module")
def creation(document: dict[str, Any]) -> dict[str, Any]:
    """The schema of the body that creates an integration."""
    return document["components"]["schemas"]["CreateIntegrationBody"]


def operations_in(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation, one by one."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_the_paths_are_those_of_the_documentation(document: dict[str, Any]) -> None:
    assert set(document["paths"][PREFIX]) == {"get", "post"}
    assert {"get", "delete"} <= set(document["paths"][PREFIX + "/{integrationId}"])


def test_every_operation_says_in_one_sentence_what_it_does(document: dict[str, Any]) -> None:
    for _, _, operation in operations_in(document):
        assert operation["summary"].endswith(".")


def test_types_come_from_the_provider_files_and_no_other_field_is_allowed(
    creation: dict[str, Any],
) -> None:
    providers = load_providers()

    assert creation["properties"]["type"]["enum"] == sorted(providers)
    assert creation["additionalProperties"] is False
    pairs = {
        (pair["properties"]["type"]["const"], pair["properties"]["channel"]["const"])
        for pair in creation["allOf"][0]["anyOf"]
    }
    assert pairs == {(type_, provider.channel) for type_, provider in providers.items()}


def test_the_limits_of_the_document_are_those_of_the_service(
    service: Service, creation: dict[str, Any]
) -> None:
    base = {"name": "n", "type": "WEB_PUSH", "channel": "PUSH"}
    fields = {"name": "n", "senderName": "n", "vapidPublicKey": "Z", "apiKey": "k"}

    with service.caller("limits") as client:
        for field, sign in fields.items():
            longest = creation["properties"][field]["maxLength"]
            length = (longest - 64) // 2
            read = sign * length
            for text, status in {
                read: 201,
                read + " " * (longest - length): 201,
                read + " " * (longest - length + 1): 400,
                read + sign: 400,
                "": 400,
            }.items():
                answer = client.post("/en/api/integration", json=base | {field: text})
                assert answer.status_code == status, (field, len(text))


def test_secrets_are_written_and_never_read(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        properties = schema.get("properties", {})
        for field, its_own in properties.items():
            assert (field in SECRETS) is ("writeOnly" in its_own), name
        assert name.endswith("Body") or not SECRETS & properties.keys()


def test_the_object_has_all_twelve_fields_and_settings_where_there_are_any(
    document: dict[str, Any],
) -> None:
    schema = document["components"]["schemas"]["IntegrationObject"]

    assert {*schema["required"], "settings"} == set(schema["properties"])
    assert len(schema["required"]) == 12
    assert schema["additionalProperties"] is False


def test_only_the_api_needs_a_token(document: dict[str, Any]) -> None:
    for path, _, operation in operations_in(document):
        assert operation.get("security", []) == ([{"bearer": []}] if "/api/" in path else [])


def test_every_problem_is_the_envelope_with_its_own_error_and_status(
    document: dict[str, Any],
) -> None:
    for _, _, operation in operations_in(document):
        for status, response in operation["responses"].items():
            if status < "400":
                continue
            name = response["$ref"].rpartition("/")[2]
            problem = document["components"]["responses"][name]
            answer = component(document, problem["content"]["application/json"]["schema"])
            result = component(document, answer["properties"]["result"])
            told = result["properties"]
            assert {"data", "error", "message", "status", "requestId"} == {*result["required"]}
            assert told["status"]["const"] == int(status)
            assert name in told["error"].get("enum", [told["error"].get("const")])


def component(document: dict[str, Any], reference: dict[str, str]) -> dict[str, Any]:
    """Return the schema that *reference* refers to."""
    return document["components"]["schemas"][reference["$ref"].rpartition("/")[2]]


@pytest.mark.parametrize(
    ("operation_id", "statuses"),
    [
        (
            "listIntegrations",
            {"200", "304", "400", "401", "403", "404", "422", "429", "500", "503"},
        ),
        (
            "createIntegration",
            {"201", "400", "401", "403", "404", "409", "413", "415", "422", "429", "500", "503"},
        ),
        ("live", {"200"}),
        ("ready", {"200", "500", "503"}),
    ],
)
def test_an_operation_has_the_statuses_that_it_answers_with(
    document: dict[str, Any], operation_id: str, statuses: set[str]
) -> None:
    operation = next(o for _, _, o in operations_in(document) if o["operationId"] == operation_id)

    assert set(operation["responses"]) == statuses


def test_headers_are_told_where_they_are(document: dict[str, Any]) -> None:
    created = document["paths"][PREFIX]["post"]["responses"]["201"]["headers"]
    problems = document["components"]["responses"]

    assert {"Location", "X-Request-Id", "Content-Language", "ETag"} <= created.keys()
    assert "WWW-Authenticate" in problems["UNAUTHORIZED"]["headers"]
    assert "Retry-After" in problems["UNAVAILABLE"]["headers"]
    assert "Retry-After" in problems["TOO_MANY_REQUESTS"]["headers"]


@pytest.mark.parametrize(("method", "status"), [("post", "201"), ("patch", "200")])
def test_an_answer_with_one_integration_says_what_can_be_asked_of_it_next(
    document: dict[str, Any], method: str, status: str
) -> None:
    path = PREFIX if method == "post" else PREFIX + "/{integrationId}"
    about_one = {
        operation["operationId"]
        for path, _, operation in operations_in(document)
        if "{integrationId}" in path
    }

    links = document["paths"][path][method]["responses"][status]["links"]

    assert set(links) == about_one
    assert about_one > {"getIntegration", "changeIntegration", "toggleIntegration"}
    assert links["deleteIntegration"]["parameters"] == {
        "locale": "$request.path.locale",
        "integrationId": "$response.body#/result/data/id",
        "header.If-Match": "$response.header.ETag",
    }
    assert "header.If-Match" not in links["getIntegration"]["parameters"]


def test_the_examples_are_those_of_the_documentation(
    document: dict[str, Any], examples: dict[str, Any]
) -> None:
    content = document["paths"][PREFIX]["post"]["requestBody"]["content"]["application/json"]

    assert [example["value"] for example in content["examples"].values()] == [
        example for example in examples.values() if "type" in example
    ]
