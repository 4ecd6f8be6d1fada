"""Reads a query string into a Struct and reports every wrong parameter at once."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from litestar.connection import ASGIConnection
from litestar.openapi.spec import Operation, Parameter
from msgspec import Struct

from app.http.errors import FieldFinding, InvalidFieldsError, safe_field_name
from app.http.field_rules import SURROGATE, FieldError, FieldProblem, Rule, WrongLengthError
from app.http.similar_names import similar_name
from app.http.timestamps import POINT_IN_TIME
from app.http.types import ApiRequest, attributes_by_json_name, required_json_names
from app.views.as_of import PointInTime

Shape = TypeVar("Shape", bound=Struct)
WHOLE_NUMBER = re.compile(r"-?[0-9]+")
MAX_DIGITS = 18  # of the numbers that are converted; a longer one exceeds every maximum
MAX_POSITION = 10**MAX_DIGITS - 1
REPEATED = FieldProblem("REPEATED_PARAMETER", "This parameter is given more than once")
REQUIRED = FieldProblem("REQUIRED", "This parameter is required")
NOT_A_NUMBER = FieldProblem("WRONG_TYPE", "This must be a whole number")
NOT_UTF_8 = FieldProblem(
    "CONTROL_CHARACTER",
    "The address is not valid; letters beyond ASCII must be percent-encoded in it, é as %C3%A9",
)
ESCAPED = re.compile(rb"%u(?=[0-9A-Fa-f]{4})")  # %u00FC, of JavaScript's escape()
Connection = ASGIConnection[Any, Any, Any, Any]
UNKNOWN_PARAMETER = FieldProblem("UNKNOWN_PARAMETER", "This parameter is not known")
MISSPELLED = "This parameter is not known; you may mean {name}"


def parse_query(query_string: bytes) -> tuple[tuple[str, str], ...]:
    """Return names and values of a query string, which is UTF-8.

    What is no UTF-8 becomes halves of surrogate pairs, which no parameter may have; a replacement
    character would be searched for. So does what JavaScript's escape() writes.
    """
    query = ESCAPED.sub(b"%FF", query_string).decode("latin-1")
    pairs = parse_qsl(query, keep_blank_values=True, encoding="latin-1")
    return tuple((from_latin_1(name), from_latin_1(value)) for name, value in pairs)


def from_latin_1(text: str) -> str:
    """Return the UTF-8 text of which *text* has a byte a character."""
    return text.encode("latin-1").decode(errors="surrogateescape")


class QuerySchema(Struct, Generic[Shape], frozen=True, kw_only=True):
    """The parameters that a query string may have: a rule for each, by name.

    An absent parameter has the default of `shape`; one without a default is required. `checks` run
    on all together, after each passed its own rule. A handler that reads parameters declares it by
    `opt={"parameters": True}`; any other refuses them all.
    """

    shape: type[Shape]
    rules: Mapping[str, Rule]
    checks: tuple[Callable[[Shape], Iterable[FieldFinding]], ...] = ()

    def read(self, request: ApiRequest) -> Shape:
        """Return the query string of *request* as a Struct.

        Raises:
            InvalidFieldsError: one or more parameters are missing, unknown, repeated or wrong;
                it holds all of them.
        """
        given: dict[str, list[str]] = {}
        for name, text in parse_query(request.scope["query_string"]):
            given.setdefault(name, []).append(text)
        values: dict[str, Any] = {}
        found = [*self._missing(given), *self._parse(given, values)]
        if found:
            raise InvalidFieldsError(found)
        names = attributes_by_json_name(self.shape)
        query = self.shape(**{names[name]: value for name, value in values.items()})
        if conflicting := [found for check in self.checks for found in check(query)]:
            raise InvalidFieldsError(conflicting)
        return query

    def _missing(self, given: Mapping[str, list[str]]) -> Iterable[FieldFinding]:
        return [(name, REQUIRED) for name in required_json_names(self.shape) if name not in given]

    def _parse(
        self, given: Mapping[str, list[str]], values: dict[str, Any]
    ) -> Iterable[FieldFinding]:
        for name, texts in given.items():
            text = ",".join(texts)  # some generated clients repeat the name of a list
            if name not in self.rules:
                yield safe_field_name(name), unknown_parameter(name, (*self.rules,))
            elif len(texts) > 1 and self.rules[name].schema.get("type") != "array":
                yield name, REPEATED
            elif SURROGATE.search(text):
                yield name, NOT_UTF_8
            else:
                try:
                    values[name] = self.rules[name](text)
                except FieldError as error:
                    yield name, error.problem


def unknown_parameter(name: str, known: tuple[str, ...]) -> FieldProblem:
    """Return the problem of an unknown parameter; it says which of the *known* ones is meant."""
    meant = similar_name(name, known)
    return (
        FieldProblem(UNKNOWN_PARAMETER.code, MISSPELLED, {"name": meant})
        if meant
        else UNKNOWN_PARAMETER
    )


def integer(minimum: int, maximum: int) -> Rule:
    """Return the rule for a whole number from *minimum* to *maximum*, written in digits."""
    limits = {"minimum": minimum, "maximum": maximum}
    out_of_range = FieldProblem("OUT_OF_RANGE", "This must be from {minimum} to {maximum}", limits)

    def rule(value: object) -> int:
        written = str(value)
        if not WHOLE_NUMBER.fullmatch(written):
            raise FieldError(NOT_A_NUMBER)
        digits = written.lstrip("0") or "0"
        if len(digits) > MAX_DIGITS or not minimum <= int(digits) <= maximum:
            raise FieldError(out_of_range)
        return int(digits)

    return Rule(rule, {"type": "integer", **limits})


def list_of(rule: Rule, maximum: int) -> Rule:
    """Return the rule for 1 to *maximum* values, each by *rule*, with commas between them.

    Blanks around a value are no part of it, unless it is nothing else.
    """
    too_many = FieldProblem(
        "TOO_MANY", "This may have at most {maximum} values", {"maximum": maximum}
    )
    message = (
        "This must have 1 to {values} values of {minimum} to {maximum} characters, with commas"
        " between them"
    )

    def read(value: object) -> tuple[object, ...]:
        parts = str(value).split(",", maximum)
        if len(parts) > maximum:
            raise FieldError(too_many)
        try:
            return tuple(dict.fromkeys(rule(part.strip(" ") or part) for part in parts))
        except WrongLengthError as error:
            limits = {**error.problem.limits, "values": maximum}
            raise FieldError(FieldProblem(error.problem.code, message, limits)) from None

    items = dict(rule.schema)
    return Rule(read, {"type": "array", "items": items, "maxItems": maximum, "minItems": 1})


def operation_class(parameters: QuerySchema[Any]) -> type[Operation]:
    """Return the class of an operation with *parameters*, for the OpenAPI document."""

    @dataclass
    class WithParameters(Operation):
        def __post_init__(self) -> None:
            required = required_json_names(parameters.shape)
            documented = [
                Parameter(
                    name,
                    "query",
                    schema=dict(rule.schema),  # pyright: ignore[reportArgumentType] — a plain dict, as Litestar would make of its own class
                    required=name in required,
                    explode=False if rule.schema.get("type") == "array" else None,
                )
                for name, rule in parameters.rules.items()
            ]
            self.parameters = [*(self.parameters or ()), *documented]

    return WithParameters


class AsOf(Struct, rename="camel", frozen=True):
    """The parameter `asOf`: a point in time; None is now (docs/history.md#the-past)."""

    as_of: PointInTime | None = None


AS_OF_QUERY = QuerySchema(shape=AsOf, rules={"asOf": POINT_IN_TIME})


def reject_query_parameters(connection: Connection) -> None:
    """Raise InvalidFieldsError, naming each, if the query string has parameters."""
    if connection.scope["query_string"]:
        raise InvalidFieldsError(
            [
                (safe_field_name(name), UNKNOWN_PARAMETER)
                for name, _ in parse_query(connection.scope["query_string"])
            ]
        )
