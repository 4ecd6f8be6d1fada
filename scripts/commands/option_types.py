"""What the options of commands take as text; another value is refused before anything else runs."""

from collections.abc import Callable

import click

from app.identifiers import WORKSPACE


class TextType(click.ParamType[str]):
    """Text that `takes` accepts; an error says what to write, and never repeats the value."""

    def __init__(self, name: str, takes: Callable[[str], object], description: str) -> None:
        self.name = name
        self.takes = takes
        self.description = description

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return *value*."""
        if not self.takes(value):
            self.fail(f"write {self.description}", param, ctx)
        return value


WORKSPACE_ID = TextType("workspace", WORKSPACE.fullmatch, "1 to 64 letters, digits, _ and -")
