"""The access log of a running service: one line a request, with any status."""

import json
import time
from typing import Any

import httpx2
import pytest

from tests.support.service import Service

PATH = "/en/api/integration"
UNKNOWN = f"{PATH}/int_01h455vb4pex5vsknk084sn02q"
ROUTE = "/{locale}/api/integration/{integration_id}"
PATIENCE = 60.0  # seconds until the line of an answer is there; it is written after the answer


def line_of(service: Service, request_id: str) -> dict[str, Any]:
    """Return the one line about the request."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        text = service.log_file.read_text()
        lines = [json.loads(line) for line in text.splitlines() if request_id in line]
        if lines and text.endswith("\n"):
            [line] = lines
            return line
        time.sleep(0.01)
    pytest.fail("there is no line")


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", f"{UNKNOWN}?q=secret", {"method": "GET", "route": ROUTE, "status": 400}),
        ("HEAD", UNKNOWN, {"method": "HEAD", "route": ROUTE, "status": 404}),
        ("GET", "/en/secret", {"method": "GET", "route": "none", "status": 404}),
        ("TRACE", PATH, {"method": "OTHER", "route": "none", "status": 405}),
    ],
)
def test_a_line_has_the_status_of_a_request_and_none_of_its_content(
    service: Service, client: httpx2.Client, method: str, path: str, told: dict[str, Any]
) -> None:
    answer = client.request(method, path)

    line = line_of(service, answer.headers["x-request-id"])

    assert told.items() <= line.items()
    assert line["timestamp"].endswith("Z")
    assert "secret" not in str(line).lower()


def test_a_line_has_exactly_these_fields(
    service: Service, client: httpx2.Client, workspace: str
) -> None:
    line = line_of(service, client.get(PATH).headers["x-request-id"])

    about = ("source", "method", "route", "status", "ms", "request_id", "workspace")
    assert [*line] == [*about, "event", "level", "timestamp"]
    assert (line["source"], line["event"], line["level"]) == ("access", "request", "info")
    assert line["workspace"] == workspace
    assert 0 < line["ms"] < 30_000
