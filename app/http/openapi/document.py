"""Completes the OpenAPI document: Litestar knows none of our limits, problems and headers."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
from litestar import Litestar, Request
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.openapi.plugins import JsonRenderPlugin

from app.http.email_address import INVALID_EMAIL
from app.http.error_responses import error_envelope
from app.http.openapi.components import (
    HEADERS,
    JSON,
    PARAMETERS,
    SECURITY_SCHEMES,
    Json,
    json_schema,
)
from app.http.openapi.operation import (
    ALL_PROBLEMS,
    PROBLEMS_BY_STATUS,
    BodySchemas,
    complete_operation,
    is_conditional,
    reference,
    response_schema_name,
)
from app.http.openapi.samples import VALUES
from app.http.problems import INVALID_REQUEST, Problem
from app.http.responses import Detail, ErrorResponse

METHODS = ("get", "post", "put", "patch", "delete")
NULL = {"type": "null"}
# Generators of clients know no type that is null alone.
NO_DATA = {"type": ["object", "null"], "description": "Always null"}
PATH_PARAMETER = re.compile(r"\{([a-z_]+)\}")


class OpenAPIDocument(JsonRenderPlugin):
    """The document at /docs/openapi.json, completed once from the app's body schemas."""

    def __init__(self, body_schemas: BodySchemas) -> None:
        super().__init__()
        self._body_schemas = body_schemas
        self._rendered = b""

    def prepare(self, app: Litestar) -> None:
        """Make the document of *app* before somebody asks: a tenth of a second for the loop."""
        document = app.plugins.get(OpenAPIPlugin).provide_openapi_schema()  # which it keeps, too
        self._rendered = msgspec.json.encode(complete_document(document, self._body_schemas))

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:  # noqa: ARG002 — Litestar's signature
        """Return the document as JSON."""
        if not self._rendered:
            self.prepare(request.app)
        return self._rendered


def complete_document(document: Json, body_schemas: BodySchemas) -> Json:
    """Return a completed copy of Litestar's *document*; bodies are as in *body_schemas*."""
    document = deepcopy(document)
    document["paths"] = {camel_case_path(p): item for p, item in document["paths"].items()}
    schemas = document["components"]["schemas"]
    for path, method, operation in operations_in(document["paths"]):
        complete_operation(operation, path, method, body_schemas, schemas)
    link_integrations(document["paths"])
    schemas.update(problem_schemas())
    for schema in schemas.values():
        schema["additionalProperties"] = False
        properties = schema.get("properties", {})
        properties |= {name: NO_DATA for name, each in properties.items() if each == NULL}
    schemas.update({body.shape.__name__: json_schema(body) for body in body_schemas.values()})
    document["components"] |= {
        "securitySchemes": SECURITY_SCHEMES,
        "headers": HEADERS,
        "parameters": PARAMETERS,
        "responses": {p.error: problem_response(p) for p in PROBLEMS_BY_STATUS.values()},
    }
    return document


def camel_case_path(path: str) -> str:
    """Return *path* with its parameters in camel case: {integrationId}."""
    return PATH_PARAMETER.sub(lambda found: "{" + to_camel_case(found[1]) + "}", path)


def to_camel_case(name: str) -> str:
    """Return *name*, which is in snake case, in camel case."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def link_integrations(paths: Json) -> None:
    """Link each response with an integration to the operations on that integration.

    Its id goes into the path, and its version into If-Match if the operation is conditional.
    """
    found = {"locale": "$request.path.locale", "integrationId": "$response.body#/result/data/id"}
    version = {"header.If-Match": "$response.header.ETag"}
    links = {
        operation["operationId"]: {
            "operationId": operation["operationId"],
            "parameters": found | (version if is_conditional(operation, path, method) else {}),
        }
        for path, method, operation in operations_in(paths)
        if "{integrationId}" in path
    }
    for _, _, operation in operations_in(paths):
        for response in operation["responses"].values():
            if response_schema_name(response) == "IntegrationResponse":
                response["links"] = links


def operations_in(paths: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method and operation, one by one."""
    for path, item in paths.items():
        yield from ((path, method, item[method]) for method in METHODS if method in item)


def problem_schemas() -> Json:
    """Return the envelope of each problem, so that a typed client knows one from another."""
    _, schemas = msgspec.json.schema_components(
        [ErrorResponse], ref_template="#/components/schemas/{name}"
    )
    envelope, result = schemas.pop("ErrorResponse"), schemas.pop("ErrorResult")
    for problem in PROBLEMS_BY_STATUS.values():
        name = problem_class_name(problem)
        errors = dict.fromkeys(p.error for p in ALL_PROBLEMS if p.status == problem.status)
        error = {"enum": [*errors]} if len(errors) > 1 else {"const": problem.error}
        constants = {"error": error, "status": {"const": problem.status}}
        properties = {"result": reference("schemas", f"{name}Result")}
        schemas[f"{name}Response"] = envelope | {
            "title": f"{name}Response",
            "properties": properties,
        }
        schemas[f"{name}Result"] = result | {
            "title": f"{name}Result",
            "properties": result["properties"] | constants,
        }
    return schemas


def problem_class_name(problem: Problem) -> str:
    """Return the error of *problem* as the name of a type: NOT_FOUND is NotFound."""
    return "".join(word.capitalize() for word in problem.error.split("_"))


def problem_sample(problem: Problem) -> ErrorResponse:
    """Return a sample of the response for *problem*."""
    email = Detail("senderEmail", INVALID_EMAIL.code, INVALID_EMAIL.message)
    details = [email] if problem.error == INVALID_REQUEST.error else []
    return error_envelope(problem, problem.message, str(VALUES["requestId"]), details)


def problem_response(problem: Problem) -> Json:
    """Return the response for *problem*, with the headers of all problems of its status."""
    own = {name for p in ALL_PROBLEMS if p.status == problem.status for name in p.headers}
    headers = ("X-Request-Id", "Content-Language", *sorted(own))
    return {
        "description": problem.message,
        "headers": {name: reference("headers", name) for name in headers},
        "content": {
            JSON: {
                "schema": reference("schemas", f"{problem_class_name(problem)}Response"),
                "example": problem_sample(problem),
            }
        },
    }
