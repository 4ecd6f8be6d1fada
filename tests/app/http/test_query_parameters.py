"""Query strings: every wrong parameter at once, and never a value."""

import pytest
from litestar.testing import RequestFactory
from msgspec import Struct

from app.http.errors import InvalidFieldsError
from app.http.field_rules import FieldError, choice
from app.http.query_parameters import QuerySchema, integer, list_of, operation_class
from app.http.text_rules import text
from app.http.types import ApiRequest


class Asked(Struct, rename="camel"):
    """What is asked for in these tests."""

    page: int = 1
    sort_by: str | None = None
    word: str | None = None


PARAMETERS = QuerySchema(
    shape=Asked,
    rules={"page": integer(1, 200), "sortBy": choice(("name", "age")), "word": text(6)},
)


def asking(query: str) -> ApiRequest:
    """Return a request with the query string *query*."""
    request = RequestFactory().get("/")
    request.scope["query_string"] = query.encode()
    return request  # pyright: ignore[reportReturnType] — who asks is not read


def found_in(query: str) -> list[tuple[str | None, str]]:
    """Return name and code of everything wrong with *query*."""
    with pytest.raises(InvalidFieldsError) as refused:
        PARAMETERS.read(asking(query))
    return [(name, problem.code) for name, problem in refused.value.findings]


@pytest.mark.parametrize("query", ["page=1,2,1", "page=1&page=2&page=1", "page=1,2&page=1"])
def test_a_list_may_be_one_value_or_a_repeated_parameter(query: str) -> None:
    lists = QuerySchema(shape=Asked, rules={"page": list_of(integer(1, 9), 3)})
    assert lists.read(asking(query)).page == (1, 2)


def test_without_a_query_string_parameters_have_their_defaults() -> None:
    assert PARAMETERS.read(asking("")) == Asked()


def test_parameters_are_read_by_the_names_of_the_api() -> None:
    read = PARAMETERS.read(asking("page=7&sortBy=age&word=%C3%A4%20b"))
    assert read == Asked(page=7, sort_by="age", word="ä b")


def test_a_query_that_is_not_encoded_is_read_as_utf_8() -> None:
    assert PARAMETERS.read(asking("word=ä+b")).word == "ä b"


@pytest.mark.parametrize("word", ["%25u00FC", "%uDer", "5%25", "5%"])
def test_a_percent_sign_that_encodes_nothing_is_one(word: str) -> None:
    assert PARAMETERS.read(asking(f"word={word}")).word == word.replace("%25", "%")


@pytest.mark.parametrize(
    "value", ["%ED%A0%80", "%FF", "a%C3", "%C0%80", "M%FCller", "M%u00FCller", "%u4E2D"]
)
def test_what_is_no_utf_8_is_refused_by_a_message_that_says_so(value: str) -> None:
    for name in ("word", "sortBy", "page"):
        with pytest.raises(InvalidFieldsError) as raised:
            PARAMETERS.read(asking(f"{name}={value}"))
        ((field, found),) = raised.value.findings
        assert (field, found.code) == (name, "CONTROL_CHARACTER")
        assert found.message.endswith("must be percent-encoded in it, é as %C3%A9")
    assert found_in(f"{value}=1") == [(None, "UNKNOWN_PARAMETER")]


def test_every_wrong_parameter_is_found_at_once_in_its_order() -> None:
    assert found_in("word=toolong&page=x&colour=red&sortBy=height") == [
        ("word", "WRONG_LENGTH"),
        ("page", "WRONG_TYPE"),
        ("colour", "UNKNOWN_PARAMETER"),
        ("sortBy", "NOT_ALLOWED"),
    ]


@pytest.mark.parametrize("name", ["sort_by", "SortBy", "sort-by", "sortby"])
def test_another_spelling_of_a_parameter_is_told_the_right_one(name: str) -> None:
    with pytest.raises(InvalidFieldsError) as raised:
        PARAMETERS.read(asking(f"{name}=age"))

    ((_, found),) = raised.value.findings
    assert (found.code, found.limits) == ("UNKNOWN_PARAMETER", {"name": "sortBy"})


def test_a_name_is_repeated_only_if_it_is_plain() -> None:
    assert found_in("sk_live%21=1&" + "a" * 33 + "=1") == [(None, "UNKNOWN_PARAMETER")] * 2


def test_a_parameter_given_twice_is_wrong_even_with_the_same_value() -> None:
    assert found_in("page=2&page=2") == [("page", "REPEATED_PARAMETER")]


def test_an_empty_parameter_is_wrong() -> None:
    assert found_in("page=&word=") == [("page", "WRONG_TYPE"), ("word", "WRONG_LENGTH")]


@pytest.mark.parametrize("written", ["1", "007", "200", "0" * 4000 + "7"])
def test_a_number_is_digits_within_its_range(written: str) -> None:
    assert integer(1, 200)(written) == int(written)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("0", "OUT_OF_RANGE"),
        ("201", "OUT_OF_RANGE"),
        ("9" * 18, "OUT_OF_RANGE"),
        ("9" * 19, "OUT_OF_RANGE"),
        ("9" * 5000, "OUT_OF_RANGE"),
        ("-1", "OUT_OF_RANGE"),
        ("-" + "9" * 5000, "OUT_OF_RANGE"),
        ("--1", "WRONG_TYPE"),
        ("-", "WRONG_TYPE"),
        ("+1", "WRONG_TYPE"),
        ("1.0", "WRONG_TYPE"),
        ("1e1", "WRONG_TYPE"),
        ("1_0", "WRONG_TYPE"),
        (" 1", "WRONG_TYPE"),
        ("1\n", "WRONG_TYPE"),
        ("٣", "WRONG_TYPE"),
    ],
)
def test_other_text_is_not_a_number(written: str, code: str) -> None:
    with pytest.raises(FieldError) as refused:
        integer(1, 200)(written)
    assert refused.value.problem.code == code


def test_the_document_has_all_parameters() -> None:
    told = operation_class(PARAMETERS)().to_schema()["parameters"]
    assert [(p["name"], p["in"], p["required"]) for p in told] == [
        ("page", "query", False),
        ("sortBy", "query", False),
        ("word", "query", False),
    ]
    assert told[0]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200}
