"""A small API with our docs page, served by uvicorn on a free loopback port."""

import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from litestar import Litestar, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.http.docs.page import docs_config


@get("/things/{number:int}", summary="Fetch a thing", sync_to_thread=False)
def fetch_thing(number: FromPath[int]) -> dict[str, int]:
    return {"number": number}


def answer_not_found(_: Request[Any, Any, Any], __: NotFoundException) -> Response[str]:
    return Response("nothing here", status_code=404, media_type="text/plain")


@contextmanager
def served(app: Litestar) -> Generator[str]:
    """Serve *app* until the block ends; give its address, such as `http://127.0.0.1:40213`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not server.started and time.monotonic() < deadline:
                time.sleep(0.01)
            yield "http://{}:{}".format(*listener.getsockname())
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    app = Litestar(
        [fetch_thing],
        openapi_config=docs_config("Things <i>& more", "1.2.3", description="All things."),
        exception_handlers={NotFoundException: answer_not_found},
    )
    with served(app) as address:
        yield address


@pytest.fixture
def client(site: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=site, timeout=10, trust_env=False) as client:
        yield client
