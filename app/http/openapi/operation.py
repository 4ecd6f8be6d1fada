"""Completes one operation: parameters, headers and errors follow from method, path and body.

So a new endpoint needs nothing here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from app.http.errors import InvalidFieldsError
from app.http.openapi.components import JSON, TEXT, Json
from app.http.openapi.samples import EVENTS, LINES, NOTES, describe_parameter, response_sample
from app.http.problems import FRAMEWORK_PROBLEMS, INTERNAL_ERROR, PROBLEMS, Problem
from app.http.request_bodies import BodySchema

BodySchemas = Mapping[type[Struct], BodySchema[Any]]
ALL_PROBLEMS = (*FRAMEWORK_PROBLEMS.values(), *PROBLEMS.values(), INTERNAL_ERROR)
PROBLEMS_BY_STATUS: Mapping[int, Problem] = {
    problem.status: problem for problem in reversed(ALL_PROBLEMS)
} | {400: PROBLEMS[InvalidFieldsError]}
"""The first problem of each status, which the response to all of them is named after."""
LEASES = ("leaseIntegration", "leaseDefault")
NOT_STORED = (*LEASES, "createConsoleLink")
"""Operations of which no response is stored, as none may be given twice."""
WITH_ETAG = (
    "IntegrationResponse",
    "IntegrationListResponse",
    "HistoryResponse",
    "LeaseResponse",
    "ChannelDefaultResponse",
    "ChannelDefaultListResponse",
)


def complete_operation(
    operation: Json, path: str, method: str, body_schemas: BodySchemas, schemas: Json
) -> None:
    """Add parameters, examples, headers and error responses to *operation*.

    *schemas* are the components that its responses refer to.
    """
    operation["summary"] = operation["description"].partition("\n")[0]
    for body in request_media_types(operation):
        body.update(body_examples(body["schema"]["$ref"], body_schemas))
    operation["parameters"] = [*operation_parameters(operation, path, method)]
    operation["description"] = " ".join(describe(operation, path, method))
    responses = {code: r for code, r in operation["responses"].items() if code < "300"}
    for code, response in responses.items():
        add_sample(operation, response, int(code), schemas)
        headers = response_headers(operation, response, method, code)
        response["headers"] = {name: reference("headers", name) for name in headers}
    if method == "get" and returns_etag(operation):
        responses["304"] = not_modified_response(responses["200"]["headers"])
    for status in sorted({*error_statuses(operation, path, method)}):
        responses[str(status)] = reference("responses", PROBLEMS_BY_STATUS[status].error)
    operation["responses"] = responses


def describe(operation: Json, path: str, method: str) -> Iterator[str]:
    """Yield the sentences of the description: that of the handler, and what its headers do."""
    yield operation["description"]
    if operation["operationId"] in NOTES:
        yield NOTES[operation["operationId"]]
    if is_change(operation, method):
        yield "With an `Idempotency-Key` a repeated request gets the stored first response."
    if is_conditional(operation, path, method):
        yield "With `If-Match` only if it still has that version (412)."
    if method == "get" and returns_etag(operation):
        yield "With `If-None-Match` 304 if nothing has changed."
    if may_return_warnings(operation):
        yield "`Prefer: handling=strict` turns warnings into 422."


def add_sample(operation: Json, response: Json, status: int, schemas: Json) -> None:
    """Add an example to each media type of a successful *response*."""
    name = operation["operationId"]
    for media_type, content in response.get("content", {}).items():
        content["example"] = (
            response_sample(content["schema"], schemas, name, status)
            if media_type == JSON
            else LINES
        )
    if name in EVENTS:
        response["content"]["text/event-stream"] = {"schema": TEXT, "example": EVENTS[name]}


def request_media_types(operation: Json) -> list[Json]:
    """Return the media types of the request body of *operation*."""
    return [*operation.get("requestBody", {}).get("content", {}).values()]


def body_examples(schema: str, body_schemas: BodySchemas) -> Json:
    """Return the entry with the examples of the component that *schema* refers to, if any."""
    body = next(
        body for body in body_schemas.values() if body.shape.__name__ == schema.rpartition("/")[2]
    )
    examples = {title: {"value": example} for title, example in body.examples.items()}
    return {"examples": examples} if examples else {}


def operation_parameters(operation: Json, path: str, method: str) -> Iterator[Json]:
    """Yield the parameters of *operation*: those in its path, Litestar's own, our headers."""
    for name in re.findall(r"\{(\w+)\}", path):
        yield reference("parameters", name)
    for each in operation.get("parameters", ()):
        if each["in"] != "path":
            describe_parameter(each)
            yield each
    if is_change(operation, method):
        yield reference("parameters", "Idempotency-Key")
    if operation["operationId"] in EVENTS:
        yield reference("parameters", "Last-Event-ID")
    if is_conditional(operation, path, method):
        yield reference("parameters", "If-Match")
    if method == "get" and returns_etag(operation):
        yield reference("parameters", "If-None-Match")
    if may_return_warnings(operation):
        yield reference("parameters", "Prefer")


def error_statuses(operation: Json, path: str, method: str) -> Iterator[int]:
    """Yield the statuses of the problems that *operation* may return."""
    if "security" in operation:
        yield from (400, 401, 403, 404, 429)
        if is_change(operation, method) or operation["operationId"] in LEASES:
            yield 409
        if is_change(operation, method) or takes_point_in_time(operation):
            yield 422
    if "security" in operation and method != "get":
        yield from (413, 415)
    if is_conditional(operation, path, method):
        yield 412
    if operation["operationId"] != "live":  # it touches nothing that could fail
        yield from (500, 503)


def response_headers(operation: Json, response: Json, method: str, code: str) -> Iterator[str]:
    """Yield the names of the headers of a successful *response*."""
    yield "X-Request-Id"
    if "security" in operation:
        yield "Content-Language"
        if is_change(operation, method):
            yield "Idempotency-Replayed"
    if response_schema_name(response) in WITH_ETAG:
        yield "ETag"
    if response_schema_name(response) == "IntegrationResponse" and code == "201":
        yield "Location"
    if may_return_warnings(operation):
        yield "Preference-Applied"


def is_conditional(operation: Json, path: str, method: str) -> bool:
    """Return whether *operation* changes what is at *path*, so that If-Match applies."""
    names_one = "{integrationId}" in path or "{channel}" in path
    return is_change(operation, method) and names_one


def is_change(operation: Json, method: str) -> bool:
    """Return whether *operation* changes an integration or a default, and stores its response."""
    changes = "security" in operation and method != "get"
    return changes and operation["operationId"] not in NOT_STORED


def may_return_warnings(operation: Json) -> bool:
    """Return whether the response of *operation* may have warnings about the body."""
    silent = (*LEASES, "chooseDefault")
    return "requestBody" in operation and operation["operationId"] not in silent


def takes_point_in_time(operation: Json) -> bool:
    """Return whether *operation* reads the past, of which there may be too much."""
    return any(parameter.get("name") == "asOf" for parameter in operation["parameters"])


def returns_etag(operation: Json) -> bool:
    """Return whether the response of *operation* has an entity tag."""
    return any(
        response_schema_name(response) in WITH_ETAG for response in operation["responses"].values()
    )


def response_schema_name(response: Json) -> str:
    """Return the name of the component that *response* shows, "" if it is none."""
    media = response.get("content", {}).get(JSON, {})
    return media.get("schema", {}).get("$ref", "").rpartition("/")[2]


def not_modified_response(headers: Json) -> Json:
    """Return the response to a client that has the current version; it has no body."""
    return {"description": "The client has the current version", "headers": headers}


def reference(kind: str, name: str) -> Json:
    """Return a reference to the component *name* of a *kind*."""
    return {"$ref": f"#/components/{kind}/{name}"}
