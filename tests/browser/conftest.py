"""The console in a real browser, which lives no longer than a module."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest
from playwright.sync_api import Browser, expect
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from tests.support.browser import CHROMIUM, NO_BROWSER, WAITING, open_browser
from tests.support.service import Service
from tests.support.window import Window, sign_in

NewWindow = Callable[..., Window]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests if there is no browser, with one line for a module; CI must look."""
    if CHROMIUM is None and not os.environ.get("CI"):
        for item in items:
            if item.path.parent == HERE:
                item.add_marker(pytest.mark.skip(reason=NO_BROWSER))


@pytest.fixture(scope="session", autouse=True)
def require_chromium() -> None:
    """Fail at once if there is no browser."""
    assert CHROMIUM, NO_BROWSER


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser of a module."""
    expect.set_options(timeout=WAITING)
    with open_browser() as browser:
        yield browser


@pytest.fixture
def new_window(chromium: Browser, service: Service) -> Iterator[NewWindow]:
    """Open a window without a session: `new_window(color_scheme="dark")`; nothing goes wrong in it.

    It is at the shared service, or at the origin that is given.
    """
    windows: list[Window] = []

    def open_window(origin: str = service.address, **options: Any) -> Window:
        wanted: dict[str, Any] = {"reduced_motion": "reduce", "locale": "en", **options}
        context = chromium.new_context(**wanted)
        context.set_default_timeout(WAITING)
        windows.append(Window(context, origin))
        return windows[-1]

    yield open_window
    for window in windows:
        window.context.close()
    assert [line for window in windows for line in window.wrong] == []


@pytest.fixture
def workspace() -> str:
    """The name of a workspace that nobody else uses."""
    return f"browser-{uuid4().hex[:12]}"


@pytest.fixture
def client(service: Service, workspace: str) -> Iterator[httpx2.Client]:
    """A client of the API with the token of an administrator of `workspace`."""
    with service.caller(workspace) as client:
        yield client


@pytest.fixture
def reader(new_window: NewWindow, service: Service, workspace: str) -> Window:
    """The window of somebody who may only look at `workspace`, signed in."""
    window = new_window()
    with service.caller(workspace, role="VIEWER") as client:
        sign_in(window, client)
    return window


@pytest.fixture
def visitor(new_window: NewWindow) -> Window:
    """A window without a session."""
    return new_window()


@pytest.fixture
def console(visitor: Window, client: httpx2.Client) -> Window:
    """The window of an administrator of `workspace`, signed in."""
    sign_in(visitor, client)
    return visitor


@pytest.fixture(scope="module")
def own_data_dir() -> Iterator[Callable[[], Path]]:
    """Make data directories for services of a module."""
    with ExitStack() as stack:

        def make() -> Path:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="integrations-")))
            folder.chmod(0o711)
            return folder

        yield make


@pytest.fixture(scope="module")
def own_database(server_dsn: str) -> Callable[[str], str]:
    """Make a database for a service of a module; return its DSN."""

    def make(name: str) -> str:
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return make_conninfo(server_dsn, dbname=name)

    return make
