"""Requests with one hostile value each, for all that the OpenAPI document names."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from tests.hostile.values import hostile_json, hostile_texts

MAX_VALUE = 62_000  # bytes of a value in a head or a body, each of which may have 64 KiB
Json = dict[str, Any]
LIST = "/en/api/integration"
ONE_PAGE = f"{LIST}?limit=1"  # costs the same however many integrations the others have made
OTHER_PARAMETER = re.compile(r"\{\w+\}")
# What clients and proxies send and the document does not name.
HEADERS = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "Content-Type"),
    *("Content-Encoding", "Expect", "Forwarded", "Host", "Origin", "Range", "TE", "Upgrade"),
    *("X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "X-Unknown", "Transfer-Encoding"),
)
QUERIES = {
    "as many parameters as pass": "&".join([f"p{n}=" + "%CC%80" * 100 for n in range(100)]),
    "many parameters": "&".join(f"p{n}=1" for n in range(7_000)),
    "separators": "&" * MAX_VALUE,
    "equals signs": "=" * MAX_VALUE,
    "escapes": "%CC%80" * (MAX_VALUE // 6),
    "one parameter again and again": "&".join(["limit=1"] * 7_000),
}


class Stored(Struct, frozen=True):
    """An integration: its id, and the body that made it."""

    id: str
    body: Json


class Site(Struct, frozen=True):
    """What requests need: the document, a token, and an integration of each type."""

    document: Json
    token: str
    integrations: Sequence[Stored]


class HostileRequest(Struct, frozen=True):
    """A request with a hostile value; `place` and `value` say where and which."""

    place: str
    value: str
    data: bytes


def hostile_requests(site: Site, *, is_long: bool) -> Iterator[HostileRequest]:
    """Yield a request for each place of *site* and each value.

    The short form takes a parameter that several operations have once, and a field of a body once
    with each value, for one type after the other.
    """
    known: set[str] = set()
    for path, operations in site.document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                found = resolved(site.document, parameter)
                if is_long or found["name"] not in known:
                    known.add(found["name"])
                    yield from of_parameter(site, method, path, found)
            for value, query in QUERIES.items():
                yield request(site, f"{method} {filled(path, site)}?{query}", (path, value))
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                yield from of_body(site, (method, path), schema, is_long=is_long)
    yield from of_headers(site)


def of_parameter(site: Site, method: str, path: str, parameter: Json) -> Iterator[HostileRequest]:
    """Yield requests with a hostile value in *parameter* of an operation."""
    name, kind = parameter["name"], parameter["in"]
    place, target = f"{method} {path}, {kind} {name}", filled(path, site)
    for label, text in hostile_texts(MAX_VALUE).items():
        value, where = quote(text)[:MAX_VALUE], (place, label)
        if kind == "path":
            yield request(
                site, f"{method} {filled(path.replace(f'{{{name}}}', value), site)}", where
            )
        elif kind == "query":
            yield request(site, f"{method} {target}?{name}={value}", where)
        else:
            yield request(site, f"{method} {target}", where, f"{name}: {text}"[:MAX_VALUE])


def of_headers(site: Site) -> Iterator[HostileRequest]:
    """Yield requests with hostile headers."""
    for name in HEADERS:
        for label, text in hostile_texts(MAX_VALUE).items():
            yield request(
                site, f"get {ONE_PAGE}", (f"header {name}", label), f"{name}: {text}"[:MAX_VALUE]
            )
    for name, line in {"short": "A:", "If-Match": 'If-Match: "1"', "Prefer": "Prefer: a"}.items():
        lines = "\r\n".join([line] * (MAX_VALUE // (len(line) + 2)))
        yield request(site, f"get {ONE_PAGE}", ("many headers", name), lines)
        few = "\r\n".join([line] * 95)  # as many as pass
        yield request(site, f"get {ONE_PAGE}", ("headers", name), few)


def of_body(
    site: Site, operation: tuple[str, str], schema: Json, *, is_long: bool
) -> Iterator[HostileRequest]:
    """Yield requests with a hostile value in a field of the body, in all, and as the whole body."""
    method, path = operation
    fields = dict(fields_of(site.document, schema))
    for number, (field, member) in enumerate(fields.items()):
        for turn, (label, value) in enumerate(values_of(member.get("maxLength", 0)), start=number):
            types = site.integrations
            for stored in types if is_long else [types[turn % len(types)]]:
                place, base = target(path, stored)
                where = (f"{method} {path}, {stored.body['type']}, {'.'.join(field)}", label)
                yield request(site, f"{method} {place}", where, body=body_with(base, field, value))
    for stored in site.integrations:
        place, base = target(path, stored)
        for label in hostile_texts(1):
            where = (f"{method} {path}, {stored.body['type']}, each field", label)
            yield request(site, f"{method} {place}", where, body=full_body(base, fields, label))
    for label, value in values_of(0):
        yield request(site, f"{method} {filled(path, site)}", (path, label), body=value.encode())


def values_of(max_length: int) -> Iterator[tuple[str, str]]:
    """Yield hostile JSON values with their names: far too long, and within *max_length*."""
    for size in (MAX_VALUE, *((max_length, trimmed_length(max_length)) if max_length else ())):
        for label, text in hostile_texts(size).items():
            yield f"{size} bytes of {label}", json.dumps(text, ensure_ascii=False)
    yield from hostile_json(MAX_VALUE).items()


def fields_of(
    document: Json, schema: Json, prefix: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Yield path and schema of each property of *schema*, of its alternatives and of objects."""
    schema = resolved(document, schema)
    for name, member in schema.get("properties", {}).items():
        found = resolved(document, member)
        yield (*prefix, name), found
        yield from fields_of(document, found, (*prefix, name))
    for alternative in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from fields_of(document, alternative, prefix)


def resolved(document: Json, found: Json) -> Json:
    """Return *found*, or what it refers to."""
    for part in found.get("$ref", "").split("/")[1:]:
        document = document[part]
    return document if "$ref" in found else found


def full_body(base: Json, fields: Mapping[tuple[str, ...], Json], label: str) -> bytes:
    """Return *base* with the hostile text *label* in each field, as long as that may be."""
    texts = {
        path[0]: hostile_texts(trimmed_length(schema["maxLength"]))[label]
        for path, schema in fields.items()
        if len(path) == 1 and "maxLength" in schema
    }
    return json.dumps(base | texts, ensure_ascii=False).encode()


def trimmed_length(max_length: int) -> int:
    """Return how long a text may be after trimming that is sent in *max_length* characters."""
    return (max_length - 64) // 2


def body_with(base: Json, field: tuple[str, ...], value: str) -> bytes:
    """Return *base* in JSON with the JSON text *value* in *field*."""
    name, *members = field
    for member in reversed(members):
        value = f'{{"{member}":{value}}}'
    rest = {other: of_other for other, of_other in base.items() if other != name}
    body = json.dumps(rest)[:-1] + (", " if rest else "") + f'"{name}":{value}}}'
    return body.encode()


def target(path: str, stored: Stored) -> tuple[str, Json]:
    """Return *path* with the id of *stored*, and the other fields of a body for it."""
    place = path.replace("{locale}", "en").replace("{integrationId}", stored.id)
    place = OTHER_PARAMETER.sub(stored.body["channel"], place)
    return place, stored.body if place == LIST else {}


def filled(path: str, site: Site) -> str:
    """Return *path* with the values of an integration in place of its parameters."""
    return target(path, site.integrations[0])[0]


def request(
    site: Site, start: str, where: tuple[str, str], line: str = "", body: bytes = b""
) -> HostileRequest:
    """Return the request *start*, `get /path`; the header *line* takes the place of the usual."""
    method, _, target = start.partition(" ")
    lines = {
        "host": "Host: x",
        "authorization": f"Authorization: Bearer {site.token}",
        "connection": "Connection: close",
    }
    if body:
        lines["content-type"] = "Content-Type: application/json"
        lines["content-length"] = f"Content-Length: {len(body)}"
    if method == "delete":
        lines["if-match"] = 'If-Match: "999"'  # nothing is deleted that others need
    if line:
        lines[line.partition(":")[0].lower()] = line
    head = "\r\n".join([f"{method.upper()} {target} HTTP/1.1", *lines.values(), "", ""])
    return HostileRequest(*where, head.encode() + body)
