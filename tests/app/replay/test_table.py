"""The tables of a replay: one line a row, as wide as the terminal, nothing cut but long texts."""

import io
from collections.abc import Callable

import pytest
from msgspec import Raw
from rich.cells import cell_len
from rich.text import Text

from app.replay.jsonl import EventLine, IntegrationLine
from app.replay.table import COLOURS, ELLIPSIS, TableWriter, event_row, integration_row
from domain.envelope import Actor

NAME = "Transactional mail for the warehouses of the north 邮件 👩 with a long name " * 2
ID = "int_01kabcdefghjkmnpqrstvwxyz0"
WORDS = {*NAME.split(), "name", "Zoë", "van", "den", "Berg,"}
WIDTHS = [60, 80, 100, 120, 150, 200]


def event(type_: str, data: bytes, who: str = "Zoë van den Berg, operations") -> EventLine:
    actor = Actor(sub="auth0|5f7c8ec7c33c6c004bbafe82", name=who, email=None)
    time = "2026-11-05T09:00:00.123Z"
    return EventLine(1234567, "workspace-of-somebody", ID, 12, type_, time, actor, Raw(data))


EVENTS = [
    event("IntegrationCreated", f'{{"name":"{NAME}","sender_email":null}}'.encode()),
    event("VapidPublicKeyChanged", b'{"vapid_public_key":"' + b"B" * 87 + b'"}', "x" * 64),
    *(event(kind, b"{}", "") for kind in COLOURS),
]
INTEGRATION = IntegrationLine(
    workspace_id="workspace-of-somebody",
    id=ID,
    version=3,
    name=NAME,
    type="ELASTIC_EMAIL",
    channel="EMAIL",
    is_active=False,
    sender_email="noreply@example.com",
    sender_name=NAME,
    sender_phone=None,
    vapid_public_key=None,
    settings=None,
    created_at="2026-11-05T09:00:00.000Z",
    updated_at="2026-11-06T09:00:00.000Z",
)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def events_shown(out: io.StringIO) -> list[str]:
    """Return the lines of a table of events on *out*, without colours."""
    table = TableWriter(out, "events")
    table.write(map(event_row, EVENTS[:1]))
    table.write(map(event_row, EVENTS[1:]))
    table.write([])
    return Text.from_ansi(out.getvalue()).plain.splitlines()


def integrations_shown(out: io.StringIO) -> list[str]:
    """Return the lines of a table of integrations on *out*, without colours."""
    TableWriter(out, "integrations").write([integration_row(INTEGRATION)])
    return Text.from_ansi(out.getvalue()).plain.splitlines()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Terminal]:
    """Return what makes a terminal of a width."""

    def terminal(width: int) -> Terminal:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", "xterm-256color")
        return Terminal()

    return terminal


@pytest.mark.parametrize("width", WIDTHS)
def test_an_event_is_one_line_that_fits(terminal: Callable[[int], Terminal], width: int) -> None:
    head, *lines = events_shown(terminal(width))

    assert len(lines) == len(EVENTS)
    assert all(cell_len(line) <= width for line in (head, *lines))
    for line, each in zip(lines, EVENTS, strict=True):
        assert line.startswith("1234567 2026-11-05 09:00:00 ")
        assert each.type in line.split()
        assert ID in line.split() or width < 80


@pytest.mark.parametrize("width", WIDTHS)
def test_a_text_is_cut_after_a_word(terminal: Callable[[int], Terminal], width: int) -> None:
    for line in (events_shown(terminal(width))[1], integrations_shown(terminal(width))[1]):
        for cut in line.split(ELLIPSIS)[:-1]:
            last = cut.split()[-1]
            assert last in WORDS or "workspace-of-somebody".startswith(last)


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (60, ["pos", "at", "event"]),
        (80, ["pos", "at", "integration", "event"]),
        (100, ["pos", "at", "integration", "event", "who"]),
        (120, ["pos", "at", "integration", "event", "who", "what"]),
        (
            200,
            ["pos", "at", "workspace", "integration", "version", "event", "who", "what"],
        ),
    ],
)
def test_a_narrow_terminal_shows_the_columns_that_matter_most(
    terminal: Callable[[int], Terminal], width: int, columns: list[str]
) -> None:
    assert events_shown(terminal(width))[0].split() == columns


@pytest.mark.parametrize("width", WIDTHS)
def test_an_integration_is_one_line_that_fits(
    terminal: Callable[[int], Terminal], width: int
) -> None:
    lines = integrations_shown(terminal(width))

    assert len(lines) == 2
    assert all(cell_len(line) <= width for line in lines)
    assert ID in lines[1].split()


def test_without_a_terminal_nothing_is_left_out() -> None:
    lines = events_shown(io.StringIO())

    assert lines[0].startswith("position")
    assert len(lines) == len(EVENTS) + 1
    assert f"name {NAME}" in lines[1]
    assert "B" * 87 in lines[2]
    assert "x" * 64 in lines[2]
    assert integrations_shown(io.StringIO())[1].count(NAME.strip()) == 2
