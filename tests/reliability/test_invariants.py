"""Each invariant is quiet where all is well, and speaks where something is not."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from tests.reliability.canaries import new_mark
from tests.reliability.checker import broken_at_the_end
from tests.reliability.invariants import INVARIANTS, Command, Seen, Tailed
from tests.reliability.ledger import Asked, Ledger
from tests.reliability.resources import Resources
from tests.reliability.witness import Found, Origin, Stored, Witness

MARK = new_mark()
AT = datetime(2026, 11, 25, tzinfo=UTC)
HELD = Resources(connections=12, handles=60, megabytes=200, processes=3)
CREATED = {"name": "alfa 1", "isActive": True}
OFF = {"isActive": False}


def row(position: int, version: int, type_: str, event: dict[str, Any], key: str | None) -> Found:
    """An event of the integration int_1 of alfa, asked for by the request r<position>-0."""
    origin = Origin(f"r{position}-0", key)
    stored = Stored("alfa", "int_1", version, AT, origin, event)
    return Found(position, "alfa", "int_1", version, type_, stored)


def asked(number: int, what: Any, **more: Any) -> Asked:
    """One request for int_1, acknowledged unless *more* says otherwise."""
    settled: dict[str, Any] = {
        "outcome": "acknowledged", "status": 200, "version": number, "stream": "int_1",
        "request_ids": [f"r{number}-0"], "key": f"key-{number}", **more,
    }  # fmt: skip
    return Asked(number, "alfa", what, "POST", "/", None, **settled)


def seen(log: list[Found] | None = None, ledger: list[Asked] | None = None, **more: Any) -> Seen:
    """What is known after a fault: by default a creation and a toggle, and all is well."""
    log = log or [
        row(1, 1, "IntegrationCreated", CREATED, "key-1"),
        row(2, 2, "IntegrationToggled", OFF, "key-2"),
    ]
    book = Ledger()
    book.asked = ledger or [asked(1, "create"), asked(2, "toggle", wanted=False)]
    well = Seen(
        ledger=book,
        witness=Witness(log, {"alfa": {"int_1": ("alfa 1", False)}}, {"a table": b"nothing"}),
        mark=MARK,
        attempts={each.stored.origin.request_id or "": [each] for each in log},
        streams={"int_1": log},
        tailed=Tailed([each.position for each in log], None),
        rebuild=Command(0, ""),
        verify=Command(0, ""),
        before=HELD,
        after=HELD,
        workers=1,
        ready=(),
    )
    return replace(well, **more)


TWO = seen().witness.log
LOST = [asked(1, "create"), asked(2, "toggle", wanted=False), asked(3, "rename")]
WRONG: dict[str, Seen] = {
    "every acknowledged write is in the log once": seen(ledger=LOST),
    "nothing refused is in the log": seen(
        ledger=[asked(1, "create"), asked(2, "toggle", outcome="refused", status=404)]
    ),
    "unknown outcomes are resolved by their keys": seen(
        ledger=[asked(1, "create"), asked(2, "toggle", outcome="unknown", status=None)]
    ),
    "nothing is in the log that nobody asked for": seen(ledger=[asked(1, "create")]),
    "positions and versions are dense": seen(
        log=[TWO[0], row(3, 2, "IntegrationToggled", OFF, "key-3")],
        ledger=[asked(1, "create"), asked(3, "toggle", version=2, wanted=False)],
        tailed=Tailed([1, 2], None),
    ),
    "the tail saw each position once and in order": seen(tailed=Tailed([2, 1], None)),
    "views equal the fold": seen(
        witness=Witness(TWO, {"alfa": {"int_1": ("alfa 1", True)}}, {})
    ),
    "the log can be proved": seen(verify=Command(1, "The log is not as it was: position 1")),
    "no secret is anywhere": seen(
        witness=Witness(TWO, {}, {"table answers": MARK.secret(7).encode().hex().encode()})
    ),
    "no foreign rows": seen(
        log=[row(1, 1, "IntegrationCreated", {"name": "bravo 1", "isActive": False}, "key-1")],
        ledger=[asked(1, "create")],
        witness=Witness(
            [row(1, 1, "IntegrationCreated", {"name": "bravo 1", "isActive": False}, "key-1")],
            {"alfa": {"int_1": ("bravo 1", False)}},
            {},
        ),
    ),
    "resources are back to the start": seen(after=replace(HELD, handles=500)),
    "ready again by itself": seen(ready=["not within 30 s"]),
}  # fmt: skip


def broken(what: Seen) -> set[str]:
    """Return the names of the invariants that broke."""
    return {each.invariant for each in broken_at_the_end(what)}


def test_where_all_is_well_no_invariant_speaks() -> None:
    assert [*broken_at_the_end(seen())] == []


@pytest.mark.parametrize("name", WRONG)
def test_an_invariant_speaks_where_it_is_broken(name: str) -> None:
    assert broken(WRONG[name]) == {name}


def test_every_invariant_has_been_seen_to_speak() -> None:
    assert [each.__name__.replace("_", " ") for each in INVARIANTS] == [*WRONG]


def test_a_log_that_has_lost_a_beginning_is_told_of_and_not_stumbled_over() -> None:
    renamed = row(2, 2, "IntegrationRenamed", {"name": "alfa 2"}, "key-2")
    ledger = [asked(1, "create"), asked(2, "rename")]
    told = broken(seen(log=[renamed], ledger=ledger, witness=Witness([renamed], {}, {})))
    assert "every acknowledged write is in the log once" in told
    assert "positions and versions are dense" in told


def test_a_write_that_is_there_twice_is_told() -> None:
    twice = {"r1-0": TWO, "r2-0": [TWO[1]]}
    assert "every acknowledged write is in the log once" in broken(seen(attempts=twice))


def test_a_toggle_to_what_already_is_so_needs_no_event() -> None:
    again = asked(3, "toggle", wanted=False, version=2)
    assert broken(seen(ledger=[*seen().ledger.asked, again])) == set()
    wrong = asked(3, "toggle", wanted=True, version=2)
    assert broken(seen(ledger=[*seen().ledger.asked, wrong])) != set()


def test_a_write_without_a_key_may_be_there_or_not() -> None:
    there = asked(2, "toggle", key=None, outcome="unknown")
    plain = [TWO[0], row(2, 2, "IntegrationToggled", OFF, None)]
    assert broken(seen(log=plain, ledger=[asked(1, "create"), there])) == set()
    missing = asked(3, "toggle", key=None, outcome="unknown")
    assert broken(seen(ledger=[*seen().ledger.asked, missing])) == set()


def test_canaries_are_found_however_they_are_written() -> None:
    secret = MARK.secret(12).encode()
    for before in (b"", b"a", b"ab"):
        assert MARK.stands_in(b64encode(before + secret + b"xyz"))
    assert MARK.stands_in(secret.hex().encode())
    assert not MARK.stands_in(secret[:15])
