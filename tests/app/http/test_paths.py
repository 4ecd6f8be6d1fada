"""Paths, methods and requests of every wrong kind; the same 404 for everything unknown."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.support.service import Service

PATH = "/en/api/integration"
NEVER = "int_01h455vb4pex5vsknk084sn02q"
Problem = Callable[..., dict[str, Any]]
Raw = Callable[[bytes], bytes]


def without_request_id(answer: httpx2.Response) -> str:
    return answer.text.replace(answer.headers["x-request-id"], "")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_every_404_has_the_same_bytes(
    service: Service, client: httpx2.Client, problem: Problem, body: dict[str, Any], method: str
) -> None:
    deleted = client.post(PATH, json=body).headers["location"]
    client.delete(deleted)
    with service.caller("somebody-else") as other:
        foreign = other.post(PATH, json=body).headers["location"]
        absent = [foreign, deleted, f"{PATH}/{NEVER}", f"{PATH}/int_sendgrid_01", f"{PATH}/x"]
        answers = [client.request(method, place) for place in [*absent, "/en/nowhere"]]
        assert other.get(foreign).status_code == 200

    for answer in answers:
        problem(answer, 404, "NOT_FOUND")
    assert len({without_request_id(answer) for answer in answers}) == 1
    assert len({frozenset(answer.headers) for answer in answers}) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/en",
        "/en/api",
        "/en/api/integrations",
        f"{PATH}/{NEVER.upper()}",
        f"{PATH}/{NEVER}x",
        f"{PATH}/%00",
        f"{PATH}/{NEVER}%00",
        f"{PATH}/%ff%fe",
        f"{PATH}/a%2Fb",
        f"{PATH}/..%2f..%2fetc%2fpasswd",
        f"{PATH}/{'a' * 20_000}",
        # a slash that is encoded, or one too many, and what other servers read as a path
        "/en/api%2Fintegration",
        "/en%2fapi/integration",
        "/en/api/integration%2F",
        "/health%2Flive",
        "/docs%2Fopenapi.json",
        "/en/api%252Fintegration",
        "/en/api%5Cintegration",
        "//en/api/integration",
        "/en//api/integration",
        f"/en/api/integration//{NEVER}",
        "//health/live",
        "/health//live",
        "//metrics",
        "/en/api/%2e%2e/api/integration",
        "/%2e%2e/api/integration",
        "/en/%2e/api/integration",
        f"{PATH}/%2e%2e",
        f"{PATH}/%2E%2E/integration",
        f"{PATH}/..%2Fintegration",
        f"{PATH};v=1",
        f"{PATH};/",
        "/en;x/api/integration",
        f"{PATH}/{NEVER};v=1",
        f"{PATH}/{NEVER}%3Bv=1",
        f"{PATH}%20",
        f"{PATH}%09",
        f"{PATH}%3Flimit=1",
        f"{PATH}%23",
        "/en/api/INTEGRATION",
        "/%ff/api/integration",
        "/%00/api/integration",
        "/en_US/api/integration",
        "/e/api/integration",
        "/en-/api/integration",
        f"/{'en-' * 30}x/api/integration",
        "/docs/nowhere",
        "/health",
        "/.env",
    ],
)
def test_unknown_paths_are_not_found(client: httpx2.Client, problem: Problem, path: str) -> None:
    answer = client.get(client.base_url.copy_with(raw_path=path.encode()))

    result = problem(answer, 404, "NOT_FOUND")
    assert result["message"] == "There is nothing here"


@pytest.mark.parametrize(
    "path", [f"{PATH}/", "/en/api/%69ntegration", "/en/api/integration?q=a%2Fb//c", "/health/live/"]
)
def test_other_spellings_of_a_path_are_the_same(client: httpx2.Client, path: str) -> None:
    answer = client.get(client.base_url.copy_with(raw_path=path.encode()))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (PATH, {"GET", "HEAD", "POST"}),
        (f"{PATH}/{NEVER}", {"GET", "HEAD", "DELETE", "PATCH"}),
        ("/health/live", {"GET", "HEAD"}),
        ("/docs/openapi.json", {"GET", "HEAD"}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_wrong_method_is_refused_with_the_allowed_ones(
    client: httpx2.Client, problem: Problem, path: str, allowed: set[str], method: str
) -> None:
    answer = client.request(method, path)

    if method in allowed:
        assert answer.status_code != 405
    else:
        problem(answer, 405, "METHOD_NOT_ALLOWED")
        assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("method", ["FOO", "get", "GETS", "X" * 300])
def test_an_unknown_method_is_refused(client: httpx2.Client, problem: Problem, method: str) -> None:
    with httpx2.Client() as bare:
        request = bare.build_request("GET", client.base_url.join(PATH))
        request.method = method
        answer = bare.send(request)

    problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["allow"].split(", ")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/{NEVER}", "/health/live", "/en/nowhere"])
def test_head_responds_as_get_without_the_body(client: httpx2.Client, path: str) -> None:
    head, got = client.head(path), client.get(path)

    own = {"x-request-id", "date"}
    assert head.status_code == got.status_code
    assert head.content == b""
    assert {n: v for n, v in head.headers.items() if n not in own} == {
        n: v for n, v in got.headers.items() if n not in own
    }


@pytest.mark.parametrize(
    "request_",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40,  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /en/api\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /en/\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nsecret-header\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_invalid_http_gets_the_envelope(raw: Raw, request_: bytes) -> None:
    head, _, content = raw(request_).partition(b"\r\n\r\n")

    status_line, *lines = head.decode().split("\r\n")
    headers = {line.split(": ")[0].lower(): line.split(": ")[1] for line in lines}
    result = json.loads(content)["result"]
    assert status_line.split()[1] in ("400", "405")
    assert list(result) == ["data", "error", "message", "status", "requestId"]
    assert str(result["status"]) == status_line.split()[1]
    assert headers["x-request-id"] == result["requestId"]
    assert headers["content-length"] == str(len(content))
    assert ("allow" in headers) is (result["status"] == 405)
    assert b"secret" not in content


def test_a_head_without_an_end_is_cut_off(raw: Raw) -> None:
    beginning = b"GET / HTTP/1.1\r\nHost: x\r\nX-Filler: " + b"a" * 100_000

    assert raw(beginning).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("target", ["/en/api/integration?q=Zürich", "/docs/é", "docs"])
def test_an_address_that_is_none_says_how_letters_are_written_in_it(raw: Raw, target: str) -> None:
    answer = raw(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert "must be percent-encoded" in json.loads(content)["result"]["message"]


def test_an_invalid_host_is_refused(client: httpx2.Client, problem: Problem) -> None:
    answer = client.get("/health/live", headers=[(b"Host", b"\xff/..")])

    assert problem(answer, 400, "VALIDATION_ERROR")["message"] == "The request is not valid"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /health/live HTTP/1.0\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x:\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/health/live HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
        b"GET /health/live/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\n%s"
        % b"Connection: close, upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_unusual_valid_requests_get_a_response(raw: Raw, request_: bytes) -> None:
    answer = raw(request_)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"evil" not in answer


def test_a_client_that_disconnects_during_a_body_is_not_a_server_error(
    service: Service, client: httpx2.Client, raw: Raw
) -> None:
    token = client.headers["authorization"].encode()
    head = b"POST /en/api/integration HTTP/1.1\r\nHost: x\r\nAuthorization: " + token
    head += b"\r\nContent-Type: application/json\r\nX-Request-Id: left\r\n"

    raw(head + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"nam\r\nzz\r\n')
    while not (lines := lines_about("left", service)):
        client.get("/health/live")

    assert [line["event"] for line in lines] == ["request"]
    assert lines[0]["status"] == 400


def lines_about(request_id: str, service: Service) -> list[dict[str, Any]]:
    """Return the lines of the service's log about one request."""
    lines = map(json.loads, service.log_file.read_text().splitlines())
    return [line for line in lines if line.get("request_id") == request_id]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", PATH), ("POST", PATH), ("GET", f"{PATH}/{NEVER}"), ("DELETE", f"{PATH}/{NEVER}")],
)
def test_unknown_parameters_are_refused_and_named_only_if_plain(
    client: httpx2.Client, problem: Problem, method: str, path: str
) -> None:
    query = "verbose=secret-value&SG.secret-name=1&%00=&x" + "x" * 40

    answer = client.request(method, f"{path}?{query}")

    details = problem(answer, 400, "VALIDATION_ERROR")["details"]
    assert len(details) >= 2
    assert {d["field"] for d in details} == {"verbose", None}
    assert {d["code"] for d in details} == {"UNKNOWN_PARAMETER"}
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", ["/health/live", PATH, "/en/nowhere", "/docs/openapi.json"])
@pytest.mark.parametrize("given", ["a", "A-z_09" * 10, "-" * 64])
def test_a_good_request_id_is_kept(client: httpx2.Client, path: str, given: str) -> None:
    answer = client.get(path, headers={"X-Request-Id": given})

    assert answer.headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", ["", "a b", "a" * 65, "ä".encode(), "secret/key", "a\tb"])
def test_a_bad_request_id_is_replaced(client: httpx2.Client, given: str | bytes) -> None:
    name, value = b"X-Request-Id", given.encode() if isinstance(given, str) else given

    answer = client.get("/en/nowhere", headers=[(name, value)])

    new = answer.headers["x-request-id"]
    assert len(new) == 32
    assert answer.json()["result"]["requestId"] == new


def test_every_request_has_its_own_id(client: httpx2.Client) -> None:
    assert len({client.get("/health/live").headers["x-request-id"] for _ in range(5)}) == 5
