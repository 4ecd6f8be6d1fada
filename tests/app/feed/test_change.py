"""What the feed says of each event that was ever stored: a CloudEvent, and nothing to hide."""

import json
import re
from pathlib import Path
from typing import Any, cast, get_args

import pytest

from app.event_store.codec import decode_recorded
from app.feed.change import encode_change
from domain.aggregates import DomainEvent
from domain.envelope import RecordedEvent

STORED = Path(__file__).parents[2] / "domain/stored_events.jsonl"
PAGE = (Path(__file__).parents[3] / "docs/feed.md").read_text()
LINES = [json.loads(line) for line in STORED.read_bytes().splitlines()]
KNOWN = {"integrationId", "version", "channel", "isActive", "credentials"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def recorded(line: dict[str, Any]) -> RecordedEvent:
    return decode_recorded(line["position"], line["envelope"].encode())


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line["position"]))
def test_each_stored_event_is_a_cloud_event_that_holds_nothing_else(line: dict[str, Any]) -> None:
    event = recorded(line)

    change = json.loads(encode_change(event))
    data = change.pop("data")

    assert TIME.fullmatch(change.pop("time"))
    assert change == {
        "specversion": "1.0",
        "id": str(line["position"]),
        "source": f"/workspaces/{event.workspace}/integrations",
        "type": f"integrations.{json.loads(line['envelope'])['event']['kind']}.v1",
        "subject": event.stream.replace("def_", "channel/"),
        "datacontenttype": "application/json",
    }
    if event.stream.startswith("def_"):
        chosen = getattr(event.event, "integration_id", None)
        assert data == {"channel": "EMAIL", **({"integrationId": chosen} if chosen else {})}
    else:
        assert (data["integrationId"], data["version"]) == (event.stream, event.version)
        assert "channel" not in data
    assert set(data) <= KNOWN
    for credential in data.get("credentials", ()):
        assert set(credential) == {"field", "version"}


def test_the_bytes_of_a_change_hold_no_name_person_address_or_commitment() -> None:
    for line in LINES:
        shown = encode_change(recorded(line)).decode()
        stored = json.loads(line["envelope"])
        hidden = {stored["name"], *texts(stored["origin"]), *texts(stored["event"])}
        told = {stored["event"]["kind"], stored["event"].get("integrationId"), "EMAIL"}
        for text in hidden - {*told, *KNOWN, *fields(stored["event"])}:
            assert json.dumps(text) not in shown, text


def texts(value: Any) -> set[str]:
    """Return every text in *value*, which is JSON."""
    if isinstance(value, dict):
        value = [*cast("dict[str, Any]", value).values()]
    if isinstance(value, list):
        return {text for each in cast("list[Any]", value) for text in texts(each)}
    return {value} if isinstance(value, str) else set()


def fields(event: dict[str, Any]) -> set[str]:
    """Return the names of the secret fields that *event* is about."""
    return {each["field"] for each in event.get("credentials", ())}


def test_the_page_has_each_type_of_change() -> None:
    types = {f"integrations.{event.__name__}.v1" for event in get_args(DomainEvent)}

    assert set(re.findall(r"`(integrations\.\w+\.v1)`", PAGE)) == types
