"""docs/events.md says of every event what is stored, and nothing else."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import msgspec
import pytest
from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from domain.aggregates import DomainEvent
from domain.envelope import Actor, Envelope, EventMetadata
from domain.integration import Channel, Credential, Outcome

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
HEADED = re.compile(r"^## (\w+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = dict[str, str](HEADED.findall(PAGE))
KINDS = get_args(DomainEvent)
EVERY = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
WORDS: dict[Any, str] = {
    str: "text",
    int: "integer",
    bool: "boolean",
    str | None: "text or null",
    Mapping[str, str] | None: "object of texts or null",
    Channel: "`EMAIL`, `SMS` or `PUSH`",
    Outcome: "`ok`, `invalid`, `insufficient`, `retired` or `inconclusive`",
    tuple[Credential, ...]: "list of credentials",
}
VALUES: dict[Any, str] = {NODEFAULT: "", None: "null", (): "[]"}


def section_of(kind: type) -> str:
    """Return the page's section about *kind*."""
    return SECTIONS[kind.__name__]


def row_of(field: FieldInfo) -> tuple[str, str, str]:
    """Return what the page has to say of *field*."""
    return f"`{field.encode_name}`", WORDS[field.type], VALUES[field.default]


def rows_in(section: str) -> list[tuple[str, ...]]:
    """Return the rows of the table in *section*."""
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def test_every_event_has_a_section_and_every_section_an_event() -> None:
    assert [title for title in SECTIONS if title != "The"] == [kind.__name__ for kind in KINDS]


@EVERY
def test_a_section_begins_with_what_the_code_says_of_the_event(kind: type) -> None:
    assert section_of(kind).strip().startswith(kind.__doc__ or "…")


@EVERY
def test_a_table_names_every_field_with_its_type_and_default_in_order(kind: type) -> None:
    told = rows_in(section_of(kind))
    assert told == [row_of(field) for field in fields(kind)]
    assert ("No fields." in section_of(kind)) is not bool(told)


@EVERY
def test_an_example_is_byte_for_byte_what_is_stored_of_such_an_event(kind: type) -> None:
    [example] = re.findall(r"^```json\n(.*)\n```$", section_of(kind), re.MULTILINE)
    event = msgspec.json.decode(example, type=DomainEvent)
    assert type(event) is kind
    assert msgspec.json.encode(event).decode() == example


def test_the_envelope_is_told_field_by_field() -> None:
    envelope = PAGE[PAGE.index("## The envelope") : PAGE.index("## IntegrationCreated")]
    assert [row[0] for row in rows_in(envelope)] == [
        f"`{field.encode_name}`" for field in fields(Envelope)
    ]
    for struct in (EventMetadata, Actor, Credential):
        for field in fields(struct):
            assert f"`{field.encode_name}`" in envelope


def test_the_words_of_this_test_are_those_of_the_types() -> None:
    for union in (Channel, Outcome):
        assert re.findall(r"`(\w+)`", WORDS[union]) == list(get_args(union))
    assert NoneType in get_args(str | None)
