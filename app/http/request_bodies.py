"""Reads a JSON body into a Struct and reports every wrong field at once."""

import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct

from app.http.errors import (
    FieldFinding,
    InvalidFieldsError,
    MalformedBodyError,
    NotAnObjectError,
    NotUtf8Error,
    member_name,
    safe_field_name,
)
from app.http.field_rules import FieldError, FieldProblem, Rule, Schema
from app.http.similar_names import similar_name
from app.http.types import attributes_by_json_name, required_json_names
from app.json_text import decode_json

Shape = TypeVar("Shape", bound=Struct)
Values = Mapping[str, Any]
Pairs = tuple[tuple[str, object], ...]
"""An object of JSON, in which a name may come twice."""
REQUIRED = FieldProblem("REQUIRED", "This field is required")
UNKNOWN = FieldProblem("UNKNOWN_FIELD", "This field is not known")
MISSPELLED = "This field is not known; you may mean {name}"
REPEATED = FieldProblem("REPEATED_FIELD", "This field is given more than once")


class BodySchema(Struct, Generic[Shape], frozen=True, kw_only=True):
    """The fields that a body may have: a rule for each, by its JSON name, and checks across fields.

    null is the same as absent, except for the fields in `clearable`, which it clears, and for all
    fields if `null_is_wrong`. `other_endpoint_fields` belong to another endpoint. `if_empty` is
    what is wrong with a body without a field, None if it may have none. A body that `is_optional`
    may be null, as clients send it that have none. Checks run on the values
    that passed their own rules; `cross_field_schema` is their JSON Schema, as far as that goes, and
    `examples` are bodies by title, both for the OpenAPI document.
    """

    shape: type[Shape]
    rules: Mapping[str, Rule]
    checks: tuple[Callable[[Values], Iterable[FieldFinding]], ...] = ()
    clearable: frozenset[str] = frozenset()
    null_is_wrong: bool = False
    other_endpoint_fields: Mapping[str, FieldProblem] = {}
    if_empty: FieldProblem | None = None
    is_optional: bool = False
    cross_field_schema: Schema = {}
    examples: Mapping[str, Mapping[str, object]] = {}

    def read(self, body: bytes) -> Shape:
        """Return the body as a Struct.

        Raises:
            NotUtf8Error: not UTF-8.
            MalformedBodyError: not JSON, nested too deeply, a number too large.
            NotAnObjectError: JSON, but no object.
            InvalidFieldsError: one or more fields are wrong; it holds all of them.
        """
        body = body.removeprefix(BOM_UTF8)  # RFC 8259, 8.1: a parser may ignore it
        sent = {} if self.is_optional and body.strip() == b"null" else decode_object(body)
        given = {n: v for n, v in sent.items() if v is not None or not self._null_is_absent(n)}
        values: dict[str, Any] = {}
        found = [
            *find_duplicate_fields(body, sent),
            *self._missing(given),
            *self._parse(given, values),
        ]
        for check in self.checks:
            found.extend(check(values))
        if found:
            raise InvalidFieldsError(found)
        names = attributes_by_json_name(self.shape)
        notices = tuple(self._notices(given, values))
        attributes = {names[name]: value for name, value in values.items()}
        return self.shape(**attributes, **({"notices": notices} if notices else {}))

    def _null_is_absent(self, name: str) -> bool:
        """Return whether null is the same as no field *name*: it has a rule, and is not cleared."""
        return name in self.rules and not self.null_is_wrong and name not in self.clearable

    def _missing(self, given: Values) -> Iterable[FieldFinding]:
        if self.if_empty and not given:
            yield None, self.if_empty
        for name in required_json_names(self.shape):
            if name not in given:
                yield name, REQUIRED

    def _notices(self, given: Values, values: Values) -> Iterable[FieldFinding]:
        """Find what reading *given* to *values* changed; its Struct has `notices`."""
        for name in values:
            notices = self.rules[name].notices
            if notices and isinstance(given[name], str):
                yield from ((name, notice) for notice in notices(given[name]))

    def _parse(self, given: Values, values: dict[str, Any]) -> Iterable[FieldFinding]:
        known = self._known_names() if given.keys() - self.rules.keys() else ()
        for name, value in given.items():
            if name not in self.rules:
                problem = self.other_endpoint_fields.get(name) or unknown_field(name, known)
                yield safe_field_name(name), problem
                continue
            try:
                cleared = value is None and name in self.clearable
                values[name] = None if cleared else self.rules[name](value)
            except FieldError as error:
                yield name, error.problem
            except InvalidFieldsError as error:  # of the fields of an object
                yield from error.findings

    def _known_names(self) -> tuple[str, ...]:
        """Return what a name that has no rule may stand for, settings too."""
        settings = self.rules.get("settings")
        members = cast("Mapping[str, object]", settings.schema["properties"] if settings else {})
        paths = (f"settings.{member}" for member in members)
        return (*self.rules, *self.other_endpoint_fields, *paths)


def unknown_field(name: str, known: tuple[str, ...]) -> FieldProblem:
    """Return the problem of an unknown field; it says which of the *known* ones is meant."""
    meant = similar_name(name, known)
    return FieldProblem(UNKNOWN.code, MISSPELLED, {"name": meant}) if meant else UNKNOWN


def find_duplicate_fields(body: bytes, sent: Values) -> Iterable[FieldFinding]:
    """Find fields that are given twice in the JSON object *body*, which was decoded to *sent*.

    Those of an object in it count too.

    Parsers differ in which of them counts (RFC 8259, section 4): one would check what another
    does not use. Most bodies need no second parsing, which takes ten times as long.
    """
    objects: list[Values] = [sent, *(each for each in sent.values() if isinstance(each, dict))]
    strings = sum(len(each) + sum(isinstance(v, str) for v in each.values()) for each in objects)
    if body.count(b'"') == 2 * strings:
        return  # a second name would have its own quotes
    try:
        pairs = json.loads(body, object_pairs_hook=tuple, parse_int=str, parse_float=str)
    except RecursionError:
        raise MalformedBodyError from None
    for name in repeated_names(pairs):
        yield safe_field_name(name), REPEATED
    for name, value in pairs:
        if isinstance(value, tuple):  # an object; a list is a list here
            for member in repeated_names(cast("Pairs", value)):
                yield member_name(name, member), REPEATED


def repeated_names(pairs: Pairs) -> Iterable[str]:
    """Return the names that *pairs* hold more than once."""
    return [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]


def decode_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in *body*."""
    try:
        value = decode_json(body)
    except (ValueError, RecursionError):
        raise (MalformedBodyError if is_utf8(body) else NotUtf8Error) from None
    if not isinstance(value, dict):
        raise NotAnObjectError
    return value  # pyright: ignore[reportUnknownVariableType] — JSON's names are strings


def is_utf8(body: bytes) -> bool:
    """Return whether *body* is UTF-8; JSON text in UTF-16 and UTF-32 begins with zero bytes."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in body[:4]
