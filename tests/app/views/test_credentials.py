"""What is known of secrets, read from the log of one workspace: the newest of many checks."""

import time
from collections.abc import Callable

from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.pools import Pool
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import Changeset
from app.views.credentials import CredentialViews
from domain.integration import CredentialsChecked, IntegrationCreated, IntegrationDeleted
from projections.credentials import credentials_status

WriteOf = Callable[..., Changeset]
CHECKED = CredentialsChecked(outcome="ok", detail="Works", latency_ms=7)
MAX_SECONDS = 0.05
# Copies of the check that was written; the newest has another detail.
CHECKS = """
INSERT INTO integrations.events
    (position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope)
SELECT number, 'demo', number, 'int_1', number, event.type, event.action, 'u', event.at,
    CASE WHEN number < 10002 THEN event.envelope ELSE
        convert_to(replace(convert_from(event.envelope, 'UTF8'), 'Works', 'Still works'), 'UTF8')
    END
FROM integrations.events AS event, generate_series(3, 10002) AS number WHERE event.position = 2
"""


async def test_only_the_events_of_the_workspace_and_the_integration_count(
    commands: Pool, audits: Pool, write_of: WriteOf, created: IntegrationCreated
) -> None:
    log, views = PostgresEventLog(commands), CredentialViews(audits)
    history = write_of(created, CHECKED)
    neighbour = write_of(created, stream="int_2")
    stranger = write_of(created, workspace="other")
    for write in (history, neighbour, stranger):
        await log.append(write)
    assert await views.one("demo", "int_1") == credentials_status(history.envelopes)
    assert await views.one("demo", "int_2") == credentials_status(neighbour.envelopes)
    assert await views.one("other", "int_1") == credentials_status(stranger.envelopes)
    assert await views.one("other", "int_2") is None
    await log.append(write_of(IntegrationDeleted(), after=history.envelopes))
    assert await views.one("demo", "int_1") is None


async def test_ten_thousand_checks_are_passed_over(
    commands: Pool,
    audits: Pool,
    admin: Connection[TupleRow],
    write_of: WriteOf,
    created: IntegrationCreated,
) -> None:
    views, taken = CredentialViews(audits), list[float]()
    await PostgresEventLog(commands).append(write_of(created, CHECKED))
    admin.execute(CHECKS)
    for _ in range(10):
        start = time.perf_counter()
        status = await views.one("demo", "int_1")
        taken.append(time.perf_counter() - start)
        assert status is not None
        assert status.check is not None
        assert status.check.found.detail == "Still works"
    assert min(taken) < MAX_SECONDS


async def test_the_newest_check_of_each_integration_is_found_at_once(
    commands: Pool,
    audits: Pool,
    admin: Connection[TupleRow],
    write_of: WriteOf,
    created: IntegrationCreated,
) -> None:
    log, views = PostgresEventLog(commands), CredentialViews(audits)
    await log.append(write_of(created, CHECKED))
    admin.execute(CHECKS)
    await log.append(write_of(created, stream="int_2"))
    await log.append(write_of(created, CHECKED, stream="int_3", workspace="other"))
    gone = write_of(created, CHECKED, stream="int_4")
    await log.append(gone)
    await log.append(write_of(IntegrationDeleted(), stream="int_4", after=gone.envelopes))

    found = await views.checks("demo", ["int_1", "int_2", "int_3", "int_4", "int_9"])

    assert {each: check.found.detail for each, check in found.items()} == {"int_1": "Still works"}
