"""What one operation may be asked and may answer: it follows from what it is.

So a new endpoint needs nothing here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from app.http.errors import InvalidFieldsError
from app.http.openapi.components import JSON, Json
from app.http.problems import INTERNAL, OF_THE_FRAMEWORK, STATUS, Problem
from app.http.request_bodies import Form

Forms = Mapping[type[Struct], Form[Any]]
PROBLEMS: Mapping[int, Problem] = {
    problem.status: problem for problem in (*OF_THE_FRAMEWORK.values(), *STATUS.values(), INTERNAL)
} | {400: STATUS[InvalidFieldsError]}
TAGGED = ("IntegrationAnswer", "IntegrationListAnswer", "HistoryAnswer")


def complete(operation: Json, path: str, method: str, forms: Forms) -> None:
    """Add to *operation* what may be asked and answered."""
    operation["summary"] = operation.pop("description").partition("\n")[0]
    for body in bodies_in(operation):
        body.update(examples_of(body["schema"]["$ref"], forms))
    operation["parameters"] = [*parameters_of(operation, path, method)]
    responses = {code: r for code, r in operation["responses"].items() if code < "300"}
    for code, response in responses.items():
        response["headers"] = references("headers", headers_of(operation, response, method, code))
    if method == "get" and is_tagged(operation):
        responses["304"] = unchanged(responses["200"]["headers"])
    for status in sorted({*statuses_of(operation, path, method)}):
        responses[str(status)] = reference("responses", PROBLEMS[status].error)
    operation["responses"] = responses


def bodies_in(operation: Json) -> list[Json]:
    """Return the media types of the request body of *operation*."""
    return [*operation.get("requestBody", {}).get("content", {}).values()]


def examples_of(schema: str, forms: Forms) -> Json:
    """Return the entry with the examples of the component that *schema* refers to, if any."""
    form = next(form for form in forms.values() if form.shape.__name__ == schema.rpartition("/")[2])
    examples = {title: {"value": example} for title, example in form.examples.items()}
    return {"examples": examples} if examples else {}


def parameters_of(operation: Json, path: str, method: str) -> Iterator[Json]:
    """Yield the parameters of *operation*: those in its path, Litestar's own, our headers."""
    for name in re.findall(r"\{(\w+)\}", path):
        yield reference("parameters", name)
    yield from (p for p in operation.get("parameters", ()) if p["in"] != "path")
    if "security" in operation and method != "get":
        yield reference("parameters", "Idempotency-Key")
    if is_conditional(operation, path, method):
        yield reference("parameters", "If-Match")
    if method == "get" and is_tagged(operation):
        yield reference("parameters", "If-None-Match")
    if can_be_doubtful(operation):
        yield reference("parameters", "Prefer")


def statuses_of(operation: Json, path: str, method: str) -> Iterator[int]:
    """Yield the statuses of the problems that *operation* may answer with."""
    if "security" in operation:
        yield from (400, 401, 403, 404, 429)
        if method != "get":
            yield from (409, 422)
    if "requestBody" in operation:
        yield from (413, 415)
    if is_conditional(operation, path, method):
        yield 412
    if operation["operationId"] != "live":  # it touches nothing that could fail
        yield from (500, 503)


def headers_of(operation: Json, response: Json, method: str, code: str) -> Iterator[str]:
    """Yield the names of the headers of a *response* that is no problem."""
    yield "X-Request-Id"
    if "security" in operation:
        yield "Content-Language"
        if method != "get":
            yield "Idempotency-Replayed"
    if shown_in(response) in TAGGED:
        yield "ETag"
    if code == "201":
        yield "Location"
    if can_be_doubtful(operation):
        yield "Preference-Applied"


def is_conditional(operation: Json, path: str, method: str) -> bool:
    """Tell whether *operation* changes one integration, so that If-Match counts."""
    return "security" in operation and method != "get" and "{integrationId}" in path


def can_be_doubtful(operation: Json) -> bool:
    """Tell whether the answer of *operation* may hold warnings about the body."""
    return "requestBody" in operation and operation["operationId"] != "toggleIntegration"


def is_tagged(operation: Json) -> bool:
    """Tell whether *operation* answers with an entity tag."""
    return any(shown_in(response) in TAGGED for response in operation["responses"].values())


def shown_in(response: Json) -> str:
    """Return the name of the component that *response* shows, "" where it is none."""
    media = response.get("content", {}).get(JSON, {})
    return media.get("schema", {}).get("$ref", "").rpartition("/")[2]


def unchanged(headers: Json) -> Json:
    """Return the answer to a client that has what is there; it has no body."""
    return {"description": "What If-None-Match names is what is there", "headers": headers}


def references(kind: str, names: Iterable[str]) -> Json:
    """Return references to the components *names* of a *kind*, by their names."""
    return {name: reference(kind, name) for name in names}


def reference(kind: str, name: str) -> Json:
    """Return a reference to the component *name* of a *kind*."""
    return {"$ref": f"#/components/{kind}/{name}"}
