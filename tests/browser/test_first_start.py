"""The first minutes with the service: the link that its start prints, and another one."""

import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from playwright.sync_api import Page, expect

from app.database.database import open_known_database
from app.settings import read_settings
from tests.support.service import environment_with
from tests.support.window import Window

NewWindow = Callable[..., Window]
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
ANOTHER = "another one: "
OLDER = "UPDATE integrations.console_codes SET expires_at = expires_at - %s::interval"


class Start(NamedTuple):
    """A service that somebody has just started: what it printed, and what it runs with."""

    printed: str
    environment: dict[str, str]
    log_file: Path

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.printed.partition("Listening on ")[2].split()[0]

    @property
    def link(self) -> str:
        """The link that it printed."""
        return self.printed.partition("Open  ")[2].split()[0]

    def another_link(self) -> str:
        """Return a link by the command that the start names."""
        words = shlex.split(self.printed.partition(ANOTHER)[2].partition(")")[0])
        # Only a test lets the system choose the port, so that the command cannot know it.
        environment = self.environment | {"INTEGRATIONS_CONSOLE_ORIGIN": self.address}
        return subprocess.run(
            [f".venv/bin/{words[0]}", *words[1:]],
            cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=60,
        ).stdout.strip()  # fmt: skip

    def grow_older(self, time: str) -> None:
        """Let *time* pass for all links."""
        with (
            open_known_database(read_settings(self.environment)) as dsn,
            psycopg.connect(dsn) as database,
        ):
            database.execute(OLDER, (time,))


@pytest.fixture(scope="module")
def start(own_data_dir: Callable[[], Path]) -> Iterator[Start]:
    """What scripts/run starts once .venv is there, with nothing but an empty directory."""
    command = (ROOT / "scripts/run").read_text().splitlines()[-1].removeprefix("exec ")
    data_dir = own_data_dir()
    environment = environment_with(data_dir=data_dir, port="0")
    with ExitStack() as stack:
        log = stack.enter_context((data_dir / "service.log").open("w"))
        process = stack.enter_context(
            subprocess.Popen(
                shlex.split(command),
                cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True,
            )
        )  # fmt: skip
        stack.callback(process.terminate)
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if line.startswith("curl "):
                break
        yield Start(printed, environment, data_dir / "service.log")


def expect_too_old(page: Page) -> None:
    expect(page.get_by_role("heading", name="This link is used or too old")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)


def test_the_printed_link_signs_in_by_one_click_and_never_again(
    start: Start, new_window: NewWindow
) -> None:
    window = new_window(start.address)
    page = window.page
    page.goto(start.link)
    question = page.get_by_role("heading", level=1)
    expect(question).to_have_text("Sign in to workspace \u2068demo\u2069 as \u2068demo\u2069?")

    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="No connections yet")).to_be_visible()
    expect(page).to_have_url(f"{start.address}/console/en/integrations")
    code = start.link.partition("#")[2]
    assert not any(code in request.url.partition("#")[0] for request in window.requests)
    assert code not in start.log_file.read_text()
    for other in (window, new_window(start.address)):  # also in the window that is signed in
        other.allow(422)
        other.page.goto(start.link)
        expect_too_old(other.page)
        assert code not in other.page.content()


def test_a_link_counts_for_ten_minutes(start: Start, new_window: NewWindow) -> None:
    window = new_window(start.address)
    window.allow(422)
    page, link = window.page, start.another_link()

    start.grow_older("9 minutes")
    page.goto(link)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    start.grow_older("1 minute")
    page.goto(link)

    expect_too_old(page)
    assert window.context.cookies() == []


def test_a_link_that_grows_too_old_before_the_click_signs_nobody_in(
    start: Start, new_window: NewWindow
) -> None:
    window = new_window(start.address)
    window.allow(422)
    page = window.page
    page.goto(start.another_link())
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()

    start.grow_older("10 minutes")
    page.get_by_role("button", name="Sign in").click()

    expect_too_old(page)
    assert window.context.cookies() == []
    page.get_by_role("link", name="Sign in with a token").click()
    expect(page.get_by_label("Token", exact=True)).to_be_visible()
