"""Each invariant yields nothing if all is well, and a violation if something is not."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from tests.reliability.checker import violations_at_end
from tests.reliability.invariants import INVARIANTS, CommandResult, Evidence, TailResult
from tests.reliability.observation import Observation, Origin, StoredEnvelope, StoredRow
from tests.reliability.request_ledger import RecordedRequest, RequestLedger
from tests.reliability.resources import Resources
from tests.reliability.secret_markers import new_marker

MARKER = new_marker()
AT = datetime(2026, 11, 25, tzinfo=UTC)
HELD = Resources(connections=12, handles=60, megabytes=200, processes=3)
CREATED = {"name": "alfa 1", "isActive": True}
OFF = {"isActive": False}


def row(
    position: int, version: int, type_: str, event: dict[str, Any], key: str | None
) -> StoredRow:
    """An event of the integration int_1 of alfa, asked for by the request r<position>-0."""
    origin = Origin(f"r{position}-0", key)
    stored = StoredEnvelope("alfa", "int_1", version, AT, origin, event)
    return StoredRow(position, "alfa", "int_1", version, type_, stored)


def recorded(number: int, operation: Any, **more: Any) -> RecordedRequest:
    """One request for int_1, acknowledged unless *more* says otherwise."""
    settled: dict[str, Any] = {
        "outcome": "acknowledged", "status": 200, "version": number, "stream": "int_1",
        "request_ids": [f"r{number}-0"], "key": f"key-{number}", **more,
    }  # fmt: skip
    return RecordedRequest(number, "alfa", operation, "POST", "/", None, **settled)


def evidence(
    log: list[StoredRow] | None = None, ledger: list[RecordedRequest] | None = None, **more: Any
) -> Evidence:
    """What is known after a fault: by default a creation and a toggle, and all is well."""
    log = log or [
        row(1, 1, "IntegrationCreated", CREATED, "key-1"),
        row(2, 2, "IntegrationToggled", OFF, "key-2"),
    ]
    book = RequestLedger()
    book.requests = ledger or [
        recorded(1, "create"),
        recorded(2, "toggle", wanted=False),
    ]
    well = Evidence(
        ledger=book,
        observation=Observation(
            log, {"alfa": {"int_1": ("alfa 1", False)}}, {"a table": b"nothing"}
        ),
        marker=MARKER,
        attempts={each.stored.origin.request_id or "": [each] for each in log},
        streams={"int_1": log},
        tailed=TailResult([each.position for each in log], None),
        rebuild=CommandResult(0, ""),
        verify=CommandResult(0, ""),
        before=HELD,
        after=HELD,
        workers=1,
        ready=(),
    )
    return replace(well, **more)


TWO = evidence().observation.log
LOST = [
    recorded(1, "create"),
    recorded(2, "toggle", wanted=False),
    recorded(3, "rename"),
]
WRONG: dict[str, Evidence] = {
    "every acknowledged write is in the log once": evidence(ledger=LOST),
    "nothing refused is in the log": evidence(
        ledger=[recorded(1, "create"), recorded(2, "toggle", outcome="refused", status=404)]
    ),
    "unknown outcomes are resolved by their keys": evidence(
        ledger=[recorded(1, "create"), recorded(2, "toggle", outcome="unknown", status=None)]
    ),
    "nothing is in the log that nobody asked for": evidence(ledger=[recorded(1, "create")]),
    "positions and versions are dense": evidence(
        log=[TWO[0], row(3, 2, "IntegrationToggled", OFF, "key-3")],
        ledger=[recorded(1, "create"), recorded(3, "toggle", version=2, wanted=False)],
        tailed=TailResult([1, 2], None),
    ),
    "the tail saw each position once and in order": evidence(tailed=TailResult([2, 1], None)),
    "views equal the fold": evidence(
        observation=Observation(TWO, {"alfa": {"int_1": ("alfa 1", True)}}, {})
    ),
    "the log can be proved": evidence(
        verify=CommandResult(1, "The log is not as it was: position 1")
    ),
    "no secret is anywhere": evidence(
        observation=Observation(
            TWO, {}, {"table answers": MARKER.secret(7).encode().hex().encode()}
        )
    ),
    "no foreign rows": evidence(
        log=[row(1, 1, "IntegrationCreated", {"name": "bravo 1", "isActive": False}, "key-1")],
        ledger=[recorded(1, "create")],
        observation=Observation(
            [row(1, 1, "IntegrationCreated", {"name": "bravo 1", "isActive": False}, "key-1")],
            {"alfa": {"int_1": ("bravo 1", False)}},
            {},
        ),
    ),
    "resources are back to the start": evidence(after=replace(HELD, handles=500)),
    "ready again by itself": evidence(ready=["not within 30 s"]),
}


def broken(operation: Evidence) -> set[str]:
    """Return the names of the invariants that broke."""
    return {each.invariant for each in violations_at_end(operation)}


def test_where_all_is_well_no_invariant_speaks() -> None:
    assert [*violations_at_end(evidence())] == []


@pytest.mark.parametrize("name", WRONG)
def test_an_invariant_speaks_where_it_is_broken(name: str) -> None:
    assert broken(WRONG[name]) == {name}


def test_every_invariant_has_been_seen_to_speak() -> None:
    assert [each.__name__.replace("_", " ") for each in INVARIANTS] == [*WRONG]


def test_a_log_that_has_lost_a_beginning_is_told_of_and_not_stumbled_over() -> None:
    renamed = row(2, 2, "IntegrationRenamed", {"name": "alfa 2"}, "key-2")
    ledger = [recorded(1, "create"), recorded(2, "rename")]
    found = broken(
        evidence(log=[renamed], ledger=ledger, observation=Observation([renamed], {}, {}))
    )
    assert "every acknowledged write is in the log once" in found
    assert "positions and versions are dense" in found


def test_a_write_that_is_there_twice_is_told() -> None:
    twice = {"r1-0": TWO, "r2-0": [TWO[1]]}
    assert "every acknowledged write is in the log once" in broken(evidence(attempts=twice))


def test_a_toggle_to_what_already_is_so_needs_no_event() -> None:
    again = recorded(3, "toggle", wanted=False, version=2)
    assert broken(evidence(ledger=[*evidence().ledger.requests, again])) == set()
    wrong = recorded(3, "toggle", wanted=True, version=2)
    assert broken(evidence(ledger=[*evidence().ledger.requests, wrong])) != set()


def test_a_write_without_a_key_may_be_there_or_not() -> None:
    there = recorded(2, "toggle", key=None, outcome="unknown")
    plain = [TWO[0], row(2, 2, "IntegrationToggled", OFF, None)]
    assert broken(evidence(log=plain, ledger=[recorded(1, "create"), there])) == set()
    missing = recorded(3, "toggle", key=None, outcome="unknown")
    assert broken(evidence(ledger=[*evidence().ledger.requests, missing])) == set()


def test_canaries_are_found_however_they_are_written() -> None:
    secret = MARKER.secret(12).encode()
    for before in (b"", b"a", b"ab"):
        assert MARKER.occurs_in(b64encode(before + secret + b"xyz"))
    assert MARKER.occurs_in(secret.hex().encode())
    assert not MARKER.occurs_in(secret[:15])
