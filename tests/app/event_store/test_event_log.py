"""What every event log does: one suite for PostgreSQL's and the one in memory."""

from collections.abc import Callable
from typing import Protocol

import pytest
from msgspec.structs import replace

from app.event_store.protocol import (
    Changeset,
    ConcurrencyError,
    DuplicateRequestError,
    EventLog,
    StoredResponse,
)
from app.secrets.sealing import SealedSecret
from domain.integration import (
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationRenamed,
    IntegrationToggled,
)
from projections.integration_view import IntegrationRow, integration_view
from tests.support import commands

OFF, DELETED = IntegrationToggled(is_active=False), IntegrationDeleted()
API_KEY = replace(commands.API_KEY, wrapped_key=b"\x00wrapped", ciphertext=b"\xff\x00ciphertext")
API_SECRET = replace(API_KEY, field="apiSecret")
ANSWER = StoredResponse("key-1", b"\x00print", 201, {"Location": "/en/…"}, b'{"result":{}}')
WriteOf = Callable[..., Changeset]


class Observed(Protocol):
    """A log of conftest.py."""

    @property
    def log(self) -> EventLog: ...
    def rows(self) -> list[IntegrationRow]: ...
    def secrets(self) -> list[SealedSecret]: ...


# ----- Events -----
async def test_a_stream_that_never_was_has_no_events(observed: Observed) -> None:
    assert await observed.log.read("demo", "int_1") == []


async def test_what_was_appended_is_read_with_its_positions(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    write = write_of(created, OFF)
    assert await observed.log.append(write) == [1, 2]
    history = await observed.log.read("demo", "int_1")
    assert [event.position for event in history] == [1, 2]
    fields = type(write.envelopes[0]).__struct_fields__
    for event, envelope in zip(history, write.envelopes, strict=True):
        assert all(getattr(event, field) == getattr(envelope, field) for field in fields)


async def test_positions_count_the_events_of_all_streams_and_workspaces(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    log = observed.log
    assert await log.append(write_of(created)) == [1]
    assert await log.append(write_of(created, OFF, stream="int_2")) == [2, 3]
    assert await log.append(write_of(created, workspace="other")) == [4]
    assert await log.append(write_of(OFF, after=await log.read("demo", "int_1"))) == [5]
    assert [event.position for event in await log.read("demo", "int_1")] == [1, 5]


async def test_workspace_and_stream_are_never_confused(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await observed.log.append(write_of(created, workspace="a", stream="b_c"))
    await observed.log.append(write_of(created, workspace="a_b", stream="c"))
    assert [e.position for e in await observed.log.read("a", "b_c")] == [1]
    assert [e.position for e in await observed.log.read("a_b", "c")] == [2]
    assert await observed.log.read("a", "c") == []


# ----- Refusals -----
async def test_a_version_that_is_taken_is_refused_and_nothing_is_recorded(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await observed.log.append(write_of(created, sealed=[API_KEY]))
    history, rows = await observed.log.read("demo", "int_1"), observed.rows()
    late = write_of(replace(created, name="Late"), OFF, sealed=[API_SECRET], deletes_secrets=True)
    with pytest.raises(ConcurrencyError):
        await observed.log.append(replace(late, response=ANSWER))
    assert await observed.log.read("demo", "int_1") == history
    assert observed.rows() == rows
    assert observed.secrets() == [API_KEY]
    assert await observed.log.stored_response("demo", "key-1") is None


async def test_a_refused_append_leaves_no_hole(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await observed.log.append(write_of(created))
    for _ in range(3):
        with pytest.raises(ConcurrencyError):
            await observed.log.append(write_of(created, OFF))
    assert await observed.log.append(write_of(created, stream="int_2")) == [2]


async def test_events_that_only_partly_are_new_are_refused_whole(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await observed.log.append(write_of(created, OFF))
    [first, _] = await observed.log.read("demo", "int_1")
    with pytest.raises(ConcurrencyError):
        await observed.log.append(write_of(OFF, DELETED, after=[first]))
    assert len(await observed.log.read("demo", "int_1")) == 2


# ----- Rows -----
async def test_the_row_moves_with_the_events(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await observed.log.append(write_of(created))
    for event in (OFF, IntegrationRenamed(name="Post"), IntegrationToggled(is_active=True)):
        history = await observed.log.read("demo", "int_1")
        await observed.log.append(write_of(event, after=history))
        assert observed.rows() == [integration_view.fold(await observed.log.read("demo", "int_1"))]


async def test_a_row_goes_with_the_event_that_takes_it_away_and_no_other_row_goes(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    for workspace, stream in [("demo", "int_1"), ("demo", "int_2"), ("other", "int_1")]:
        await observed.log.append(write_of(created, workspace=workspace, stream=stream))
    await observed.log.append(write_of(DELETED, after=await observed.log.read("demo", "int_1")))
    left = [(row.workspace_id, row.id) for row in observed.rows()]
    assert sorted(left) == [("demo", "int_2"), ("other", "int_1")]


# ----- Secrets -----
async def test_sealed_secrets_are_kept_with_the_events_byte_for_byte(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await observed.log.append(write_of(created, sealed=[API_KEY, API_SECRET]))
    assert observed.secrets() == [API_KEY, API_SECRET]


async def test_a_new_secret_takes_the_place_of_its_field_only(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await observed.log.append(write_of(created, sealed=[API_KEY, API_SECRET]))
    new = replace(API_KEY, version=2, ciphertext=b"new")
    history = await observed.log.read("demo", "int_1")
    await observed.log.append(write_of(OFF, after=history, sealed=[new]))
    assert observed.secrets() == [new, API_SECRET]


async def test_shredding_destroys_the_secrets_of_the_stream_and_no_others(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    other = replace(API_KEY, workspace="other")
    second = replace(API_KEY, stream="int_2")
    await observed.log.append(write_of(created, sealed=[API_KEY, API_SECRET]))
    await observed.log.append(write_of(created, stream="int_2", sealed=[second]))
    await observed.log.append(write_of(created, workspace="other", sealed=[other]))
    history = await observed.log.read("demo", "int_1")
    await observed.log.append(write_of(DELETED, after=history, deletes_secrets=True))
    assert observed.secrets() == [second, other]


# ----- Answers -----
async def test_an_answer_is_kept_with_what_it_answers_in_its_workspace(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await observed.log.append(replace(write_of(created), response=ANSWER))
    assert await observed.log.stored_response("demo", "key-1") == ANSWER
    assert await observed.log.stored_response("demo", "key-2") is None
    assert await observed.log.stored_response("other", "key-1") is None


async def test_a_key_that_was_answered_records_nothing_more(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await observed.log.append(replace(write_of(created), response=ANSWER))
    again = replace(write_of(created, stream="int_2", sealed=[API_KEY]), response=ANSWER)
    with pytest.raises(DuplicateRequestError):
        await observed.log.append(again)
    assert await observed.log.read("demo", "int_2") == []
    assert observed.secrets() == []


async def test_an_answer_without_events_is_kept_and_takes_no_position(
    observed: Observed, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await observed.log.append(write_of(created))
    quiet = replace(write_of(after=await observed.log.read("demo", "int_1")), response=ANSWER)
    assert await observed.log.append(quiet) == []
    assert await observed.log.stored_response("demo", "key-1") == ANSWER
    assert await observed.log.append(write_of(created, stream="int_2")) == [2]
