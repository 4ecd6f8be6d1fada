"""Events and integrations as a readable table, with colours on a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TextIO, cast

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from app.replay.jsonl import EventLine, IntegrationLine

Colour = Literal["green", "red", "yellow", "cyan", "magenta"]
COLOURS: dict[str, Colour] = {
    "IntegrationCreated": "green",
    "IntegrationDeleted": "red",
    "IntegrationToggled": "yellow",
    "CredentialsReplaced": "magenta",
    "CredentialsDestroyed": "magenta",
    "CredentialsChecked": "cyan",
}
SECONDS_LENGTH = len("2026-11-05T09:00:00")
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
Kind = Literal["events", "integrations", "accesses"]


class Column(Struct, frozen=True, kw_only=True):
    """A column and its least width; a narrow terminal shows those of the lowest ranks.

    The last one shown that `stretches` gets what the others leave.
    """

    name: str
    width: int
    rank: int
    stretches: bool = False


# Four columns take the 80 of a terminal: an id and a kind of event cannot be cut and be of use.
EVENT_COLUMNS = (
    Column(name="position", width=7, rank=0),
    Column(name="at", width=SECONDS_LENGTH, rank=1),
    Column(name="workspace", width=14, rank=6),
    Column(name="integration", width=30, rank=3),
    Column(name="version", width=7, rank=7),
    Column(name="event", width=21, rank=2),
    Column(name="who", width=12, rank=4, stretches=True),
    Column(name="what", width=24, rank=5, stretches=True),
)
INTEGRATION_COLUMNS = (
    Column(name="workspace", width=14, rank=5),
    Column(name="integration", width=30, rank=0),
    Column(name="version", width=7, rank=7),
    Column(name="type", width=14, rank=2),
    Column(name="active", width=6, rank=3),
    Column(name="name", width=20, rank=1, stretches=True),
    Column(name="sender", width=24, rank=4, stretches=True),
    Column(name="last change", width=SECONDS_LENGTH, rank=6),
)
ACCESS_COLUMNS = (
    Column(name="at", width=len("2026-11-05 09:00"), rank=1),
    Column(name="workspace", width=14, rank=6),
    Column(name="integration", width=30, rank=0),
    Column(name="who", width=10, rank=3, stretches=True),
    Column(name="outcome", width=len("INTEGRATION_INACTIVE"), rank=2),
    Column(name="versions", width=24, rank=4, stretches=True),
    Column(name="from", width=15, rank=5),
)
COLUMNS: Mapping[Kind, Sequence[Column]] = {
    "events": EVENT_COLUMNS,
    "integrations": INTEGRATION_COLUMNS,
    "accesses": ACCESS_COLUMNS,
}


class TableWriter:
    """Writes rows as they come, a line each, below a head that is written once.

    On a terminal a line is as wide as that; in a pipe or a file it has all columns in full.
    """

    def __init__(self, out: TextIO, kind: Kind) -> None:
        self.console = Console(file=out, highlight=False)
        self.columns = COLUMNS[kind]
        self.width = self.console.width if self.console.is_terminal else None
        self.widths = fit_columns(self.columns, self.width)
        self.is_first = True

    def write(self, rows: Iterable[Sequence[Text]]) -> None:
        """Write *rows*, each as wide as the terminal."""
        lines = [self._line(row) for row in rows]
        if lines and self.is_first:
            lines.insert(0, self._line([Text(self._title(each), "bold") for each in self.columns]))
            self.is_first = False
        if lines:
            self.console.print(Text("\n").join(lines), soft_wrap=True)

    def _title(self, column: Column) -> str:
        """Return the name of *column*; what would be cut is abbreviated: pos."""
        is_too_long = self.width is not None and len(column.name) > column.width
        return column.name[:3] if is_too_long else column.name

    def _line(self, row: Sequence[Text]) -> Text:
        """Return *row* as one line."""
        cells = [
            self._fit(text, self.widths[column.name])
            for column, text in zip(self.columns, row, strict=True)
            if column.name in self.widths
        ]
        line = Text(" ").join(cells)
        line.rstrip()
        return line

    def _fit(self, text: Text, width: int) -> Text:
        """Return *text*, *width* cells wide: what is longer ends after a word if there are more."""
        if text.cell_len > width and self.width is not None:
            text = text.wrap(self.console, width - 1)[0]
            text.rstrip()
            text.append(ELLIPSIS)
        text.pad_right(max(width - text.cell_len, 0))
        return text


def fit_columns(columns: Sequence[Column], width: int | None) -> dict[str, int]:
    """Return the columns that *width* has room for, all if it is None, and how wide each is."""
    if width is None:
        return {column.name: column.width for column in columns}
    shown, left = set[Column](), width + 1  # the last one needs no space behind
    for column in sorted(columns, key=lambda column: column.rank):
        if shown and column.width >= left:
            break
        shown.add(column)
        left -= column.width + 1
    widths = {column.name: column.width for column in columns if column in shown}
    stretching = [column.name for column in columns if column in shown and column.stretches]
    for name in stretching[-1:]:
        widths[name] += max(left, 0)
    return widths


def event_row(line: EventLine) -> Sequence[Text]:
    """Return the cells of an event."""
    who = line.actor.name or line.actor.sub
    data: dict[str, Any] = msgspec.json.decode(line.data)
    what = ", ".join(f"{name} {format_value(value)}" for name, value in data.items())
    return [
        cell(line.position), cell(to_seconds(line.at)), cell(line.workspace_id),
        cell(line.integration_id), cell(line.version),
        cell(line.type, COLOURS.get(line.type, "")), cell(who), cell(what),
    ]  # fmt: skip


def format_value(value: Any) -> str:  # noqa: ANN401 — any value of an event
    """Return *value* in short: of a secret its field and version."""
    if isinstance(value, list):
        each = cast("list[dict[str, Any]]", value)
        return " ".join(f"{secret.get('field')} v{secret.get('version')}" for secret in each) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def integration_row(line: IntegrationLine) -> Sequence[Text]:
    """Return the cells of an integration."""
    sender = (line.sender_name, line.sender_email, line.sender_phone)
    return [
        cell(line.workspace_id), cell(line.id), cell(line.version), cell(line.type),
        cell("yes" if line.is_active else "no", "green" if line.is_active else "red"),
        cell(line.name), cell(" ".join(filter(None, sender))), cell(to_seconds(line.updated_at)),
    ]  # fmt: skip


def to_seconds(at: str) -> str:
    """Return the time *at*, UTC, to the second; JSON Lines have all of it."""
    return at[:SECONDS_LENGTH].replace("T", " ")


def cell(value: object, style: str = "") -> Text:
    """Return *value* as text that cannot command the terminal or turn round what follows."""
    return Text(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)), style
    )
