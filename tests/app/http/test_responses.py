"""What is rendered goes out as it is, over a real HTTP client and a real application."""

import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from app.http.responses import Rendered, RenderedResponse, response_of

SHOWN = Rendered(201, b'{"result":{}}', {"ETag": '"3"', "Content-Language": "pt-BR"})
UNCHANGED = Rendered(304, b"", {"ETag": '"3"'})


@get("/", sync_to_thread=False)
def shown() -> RenderedResponse:
    return response_of(SHOWN)


@get("/unchanged", sync_to_thread=False)
def unchanged() -> RenderedResponse:
    return response_of(UNCHANGED)


@pytest.fixture
def client() -> TestClient[Litestar]:
    return TestClient(Litestar([shown, unchanged], openapi_config=None))


def test_status_body_and_headers_are_those_that_were_rendered(
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


def test_what_has_not_changed_has_no_body_and_says_of_none(client: TestClient[Litestar]) -> None:
    response = client.get("/unchanged")
    assert (response.status_code, response.content) == (304, b"")
    assert dict(response.headers) == {"etag": '"3"'}
