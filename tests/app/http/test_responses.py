"""A rendered response is sent as it is, over a real HTTP client and a real application."""

import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from app.http.responses import RawResponse, RenderedResponse, to_response

SHOWN = RenderedResponse(201, b'{"result":{}}', {"ETag": '"3"', "Content-Language": "pt-BR"})
UNCHANGED = RenderedResponse(304, b"", {"ETag": '"3"'})


@get("/", sync_to_thread=False)
def shown() -> RawResponse:
    return to_response(SHOWN)


@get("/unchanged", sync_to_thread=False)
def unchanged() -> RawResponse:
    return to_response(UNCHANGED)


@pytest.fixture
def client() -> TestClient[Litestar]:
    return TestClient(Litestar([shown, unchanged], openapi_config=None))


def test_status_body_and_headers_are_sent_as_rendered(
    client: TestClient[Litestar],
) -> None:
    response = client.get("/")
    assert (response.status_code, response.content) == (201, SHOWN.body)
    assert dict(response.headers) == {
        "etag": '"3"',
        "content-language": "pt-BR",
        "content-type": "application/json",
        "content-length": "13",
    }


def test_a_not_modified_response_has_no_body_and_no_content_headers(
    client: TestClient[Litestar],
) -> None:
    response = client.get("/unchanged")
    assert (response.status_code, response.content) == (304, b"")
    assert dict(response.headers) == {"etag": '"3"'}
