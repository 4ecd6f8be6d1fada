"""Headers that come twice, lists in several lines, and Host, over raw sockets (RFC 9110, 9112)."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PATH = "/en/api/integration"
Raw = Callable[[bytes], bytes]
Problem = Callable[..., dict[str, Any]]
Lines = list[tuple[str, str]]
DOUBTFUL = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.short"}


@pytest.fixture
def place(client: httpx2.Client, body: dict[str, Any]) -> str:
    """The path of an integration of version 1."""
    return client.post(PATH, json=body).headers["Location"]


# ----- Lists in several lines are one list -----
def if_match(*lines: str) -> Lines:
    return [("If-Match", line) for line in lines]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param(if_match('"77"', '"1"'), 200, id="two lines, freeunit#338"),
        pytest.param(if_match('"1"', '"77"'), 200, id="two lines, the other order"),
        pytest.param(if_match('"77", "78"', '"79","1"'), 200, id="lists in lines"),
        pytest.param(if_match('"77"', '"78"'), 412, id="two lines, none of them"),
        pytest.param(if_match('"77"', 'W/"1"'), 412, id="weak in the second line"),
        pytest.param(if_match('"77"', "*"), 200, id="star in the second line"),
        pytest.param(if_match('*, "77"'), 200, id="star among others"),
        pytest.param(if_match('"*"'), 412, id="a tag that is a star"),
        pytest.param(if_match("", '"1"'), 200, id="an empty line"),
        pytest.param(if_match(""), 412, id="only an empty line"),
        pytest.param(if_match('"77",, ,"1",'), 200, id="empty elements"),
        pytest.param(if_match('w/"1"'), 412, id="weak in lower case, no tag"),
        pytest.param(if_match('"77" "1"'), 412, id="no comma"),
        pytest.param([("if-match", '"77"'), ("IF-MATCH", '"1"')], 200, id="names in any case"),
    ],
)
def test_if_match_in_lines_is_one_list(
    client: httpx2.Client, place: str, lines: Lines, status: int
) -> None:
    answer = client.patch(place, json={"name": "Other"}, headers=lines)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (['"77"', '"1"'], 304),
        (['"77"', 'W/"1"'], 304),
        (['"77"', "*"], 304),
        (['"77"', '"78"'], 200),
        (['W/"77"', '"*"'], 200),
    ],
)
def test_if_none_match_in_lines_is_one_list(
    client: httpx2.Client, place: str, lines: list[str], status: int
) -> None:
    answer = client.get(place, headers=[("If-None-Match", line) for line in lines])

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["return=minimal", "handling=strict"], 422),
        (["handling=strict", "handling=lenient"], 422),
        (["handling=lenient", "handling=strict"], 201),
        (['foo="a', 'b", handling=strict'], 422),
    ],
)
def test_prefer_in_lines_is_one_list(client: httpx2.Client, lines: list[str], status: int) -> None:
    answer = client.post(PATH, json=DOUBTFUL, headers=[("Prefer", line) for line in lines])

    assert answer.status_code == status


TAGS = st.sampled_from(['"77"', '"1"', 'W/"1"', "*", '"*"', '"a,b"', "", "junk", '"'])
PREFERENCES = st.sampled_from(
    ["handling=strict", "handling=lenient", 'foo="a,b"', "wait=5; x=y", 'bar="', ""]
)


@st.composite
def split_list(draw: st.DrawFn, elements: st.SearchStrategy[str]) -> tuple[str, list[str]]:
    """Return a list in one line, and the same list in lines, split at some of its commas."""
    line = ",".join(draw(st.lists(elements, min_size=1, max_size=5)))
    lines = [""]
    for index, part in enumerate(line.split(",")):
        if index and draw(st.booleans()):
            lines.append(part)
        else:
            lines[-1] += "," * bool(index) + part
    return line, lines


@pytest.mark.parametrize(
    ("name", "elements"),
    [("If-None-Match", TAGS), ("If-Match", TAGS), ("Prefer", PREFERENCES)],
)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_splitting_a_list_at_any_comma_changes_nothing(
    client: httpx2.Client,
    place: str,
    name: str,
    elements: st.SearchStrategy[str],
    data: st.DataObject,
) -> None:
    line, lines = data.draw(split_list(elements))

    def status(values: list[str]) -> int:
        headers = [(name, value) for value in values]
        if name == "If-None-Match":
            return client.get(place, headers=headers).status_code
        if name == "If-Match":  # sets what is: the version stays 1
            answer = client.post(f"{place}/toggle", json={"isActive": True}, headers=headers)
            return answer.status_code
        return client.post(PATH, json=DOUBTFUL, headers=headers).status_code

    assert status(lines) == status([line])


# ----- Headers that come once -----
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Idempotency-Key", ["a", "b"]),
        ("Idempotency-Key", ["a", "a"]),
        ("Idempotency-Key", ["", ""]),
        ("Authorization", ["Bearer a", "Bearer b"]),
        ("Content-Type", ["application/json", "application/json"]),
        ("Content-Type", ["application/json", "text/plain"]),
        ("Host", ["x", "y"]),
        ("Host", ["x", "x"]),
    ],
)
@pytest.mark.parametrize("path", [PATH, "/en/nowhere", "/health/live"])
def test_a_header_that_comes_twice_is_refused(
    raw: Raw, path: str, name: str, values: list[str]
) -> None:
    host = "" if name == "Host" else "Host: x\r\n"
    lines = "".join(f"{name}: {value}\r\n" for value in values)

    result = refused(raw(f"GET {path} HTTP/1.1\r\n{host}{lines}Connection: close\r\n\r\n".encode()))

    found = [(detail["field"], detail["code"]) for detail in result["details"]]
    assert found == [(name, "REPEATED_HEADER")]


def refused(answer: bytes) -> dict[str, Any]:
    """Return the result of *answer*, an envelope of 400."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 "), answer
    result = json.loads(body)["result"]
    assert (result["data"], result["error"], result["status"]) == (None, "VALIDATION_ERROR", 400)
    assert f"x-request-id: {result['requestId']}".encode() in head.lower()
    return result


def test_a_key_that_comes_twice_changes_nothing(
    client: httpx2.Client, body: dict[str, Any], problem: Problem
) -> None:
    answer = client.post(
        PATH, json=body, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    )

    problem(answer, 400, "VALIDATION_ERROR")
    assert client.get(PATH).json()["result"]["totalCount"] == 0


def test_the_refusal_is_in_the_language_of_the_path(client: httpx2.Client) -> None:
    answer = client.get(
        "/de/api/integration", headers=[("Content-Type", "a/b"), ("Content-Type", "a/b")]
    )

    [detail] = answer.json()["result"]["details"]
    assert detail["message"] == "Dieser Header darf nur einmal vorkommen"
    assert answer.headers["content-language"] == "de"


def test_of_two_request_ids_none_is_taken(client: httpx2.Client) -> None:
    answer = client.get(PATH, headers=[("X-Request-Id", "one"), ("X-Request-Id", "two")])

    assert answer.status_code == 200
    assert answer.headers["x-request-id"] not in ("one", "two")


# ----- Parameters -----
@pytest.mark.parametrize("path", [PATH, "/en/nowhere", "/docs"])
@pytest.mark.parametrize("query", ["&" * 100, "limit=1" + "&limit=1" * 100, "%26&" * 9_000])
def test_too_many_parameters_are_refused_before_they_are_read(
    client: httpx2.Client, problem: Problem, path: str, query: str
) -> None:
    details = problem(client.get(f"{path}?{query}"), 400, "VALIDATION_ERROR")["details"]

    assert details == [
        {
            "field": None,
            "code": "TOO_MANY_PARAMETERS",
            "message": "There are more than 100 parameters",
        }
    ]


def test_as_many_parameters_as_may_be_are_read(client: httpx2.Client) -> None:
    assert client.get(f"{PATH}?limit=1{'&' * 99}").status_code == 200


# ----- Host -----
@pytest.mark.parametrize(
    ("version", "host", "status"),
    [
        *(("1.1", host, 200) for host in ("x", "a.example", "A.Example.", "a_b", "127.0.0.1:80")),
        *(("1.1", host, 200) for host in ("[::1]", "[::1]:80", "[::ffff:1.2.3.4]", "xn--e1a")),
        *(("1.1", host, 200) for host in ("%C3%A4.example", "x:", "  x\t ")),
        *(("1.1", host, 400) for host in ("", "   ", "a b", "a,b", "a, b", "a/b", "u@a", "a:b")),
        *(("1.1", host, 400) for host in ("a:1:2", "[::1", "::1", "[x]", "[:::]", "http://a")),
        *(("1.1", host, 400) for host in ("a?b", "a#", "ä", "%zz", "<a>", ":80", "a" * 256)),
        *(("1.1", host, 200) for host in ("a:0", "a:65535", "[::1]:65535", "a:00080")),
        *(("1.1", host, 400) for host in ("a:65536", "a:99999", "[::1]:99999", "a:" + "9" * 200)),
        ("1.1", None, 400),  # RFC 9112, 3.2
        ("1.0", None, 200),
        ("1.0", "x", 200),
        ("1.0", "a b", 400),
    ],
)  # fmt: skip
def test_host_is_one_host(raw: Raw, version: str, host: str | None, status: int) -> None:
    line = "" if host is None else f"Host: {host}\r\n"

    answer = raw(f"GET /health/live HTTP/{version}\r\n{line}Connection: close\r\n\r\n".encode())

    if status == 200:
        assert answer.startswith(b"HTTP/1.1 200 ")
    else:
        [detail] = refused(answer)["details"]
        assert (detail["field"], detail["code"]) == ("Host", "INVALID_HEADER")


@given(host=st.text(st.characters(codec="latin-1", exclude_characters="\0\r\n"), max_size=20))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_host_causes_a_server_error(raw: Raw, host: str) -> None:
    line = b"Host: " + host.encode("latin-1") + b"\r\n"

    answer = raw(b"GET /health/live HTTP/1.1\r\n" + line + b"Connection: close\r\n\r\n")

    assert answer[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 400")


# ----- Transfer-Encoding -----
@pytest.mark.parametrize(
    "codings",
    ["gzip, chunked", "deflate, chunked", "GZIP,chunked", "gzip, gzip, chunked", "br, chunked"],
)
def test_a_body_that_is_compressed_on_the_way_is_refused_as_such(raw: Raw, codings: str) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {codings}\r\n"

    answer = raw(f"{head}Connection: close\r\n\r\n0\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 415 ")
    assert b"Transfer-Encoding other than chunked" in answer
    assert b"Content-Encoding" not in answer
    assert b"accept-encoding" not in answer.lower()
