"""Events and integrations as a readable table, with colours on a terminal."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TextIO, cast

import msgspec
from rich.console import Console
from rich.table import Table
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
MIN_WIDTH = 150  # columns that a line needs; a narrower terminal breaks it
EVENT_WIDTHS = {
    "position": 9,
    "at": 24,
    "workspace": 14,
    "integration": 30,
    "version": 7,
    "event": 21,
}
INTEGRATION_WIDTHS = {"workspace": 14, "integration": 30, "version": 7, "type": 14, "active": 6}
Kind = Literal["events", "integrations"]


class TableWriter:
    """Writes rows as they come, below a head that is written once."""

    def __init__(self, out: TextIO, kind: Kind) -> None:
        self.console = Console(file=out, highlight=False)
        self.console.width = max(self.console.width, MIN_WIDTH)
        self.widths = EVENT_WIDTHS if kind == "events" else INTEGRATION_WIDTHS
        self.names = ("who", "what") if kind == "events" else ("name", "sender", "last change")
        self.is_first = True

    def write(self, rows: Iterable[Sequence[Text]]) -> None:
        """Write *rows*, each as wide as the terminal."""
        table = Table(
            box=None, show_header=self.is_first, pad_edge=False, expand=True, header_style="bold"
        )
        for name, width in self.widths.items():
            table.add_column(name, width=width, no_wrap=True)
        for name in self.names:
            table.add_column(name, ratio=1 if name == "who" else 4, overflow="fold")
        for row in rows:
            table.add_row(*row)
        if table.row_count:
            self.console.print(table)
            self.is_first = False


def event_row(line: EventLine) -> Sequence[Text]:
    """Return the cells of an event."""
    who = line.actor.name or line.actor.sub
    data: dict[str, Any] = msgspec.json.decode(line.data)
    what = ", ".join(f"{name} {format_value(value)}" for name, value in data.items())
    return [
        cell(line.position), cell(line.at), cell(line.workspace_id),
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
        cell(line.name), cell(" ".join(filter(None, sender))), cell(line.updated_at),
    ]  # fmt: skip


def cell(value: object, style: str = "") -> Text:
    """Return *value* as text that cannot command the terminal or turn round what follows."""
    return Text(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)), style
    )
