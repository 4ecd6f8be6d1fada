"""Reads what is known of an integration's secrets from the event log (projections/credentials.py).

Those events of the integration are read that set secrets, or change what a check is about, and the
newest check. Its other events are only passed over: 10,000 of them take some 5 ms.
"""

from collections.abc import Mapping, Sequence

from psycopg.rows import args_row, tuple_row

from app.database.availability import translate_unavailable
from app.database.pools import Pool
from app.database.row_level_security import fetch_in_workspace
from app.event_store.codec import decode_recorded
from domain.integration import SecretField
from projections.credentials import (
    CHECKED_PARTS,
    CREDENTIAL_EVENTS,
    CredentialsStatus,
    NewestCheck,
    credentials_status,
    newest_checks,
)

CREDENTIAL_EVENTS_SQL = """
(
    SELECT position, envelope FROM integrations.events
    WHERE workspace_id = %(workspace)s AND stream = %(stream)s AND type = ANY (%(types)s)
) UNION ALL (
    SELECT position, envelope FROM integrations.events
    WHERE workspace_id = %(workspace)s AND stream = %(stream)s
        AND action = 'CREDENTIALS_CHECKED'
    ORDER BY version DESC LIMIT 1
)
ORDER BY position
"""
# The newest check of each, or its removal, and an event after it that changed what it is about.
NEWEST_CHECKS_SQL = """
SELECT found.position, found.envelope
FROM unnest(%(streams)s::text[]) AS wanted (stream) CROSS JOIN LATERAL (
    SELECT position, envelope, version FROM integrations.events
    WHERE workspace_id = %(workspace)s AND stream = wanted.stream
        AND action IN ('CREDENTIALS_CHECKED', 'INTEGRATION_REMOVED')
    ORDER BY version DESC LIMIT 1
) AS newest CROSS JOIN LATERAL (
    VALUES (newest.position, newest.envelope)
    UNION ALL (
        SELECT position, envelope FROM integrations.events
        WHERE workspace_id = %(workspace)s AND stream = wanted.stream
            AND version > newest.version AND type = ANY (%(types)s)
        LIMIT 1
    )
) AS found (position, envelope)
ORDER BY found.position
"""

STORED_SQL = """
SELECT stream, array_agg(field ORDER BY field) FROM integrations.secret_store
WHERE workspace_id = %(workspace)s AND stream = ANY (%(streams)s)
GROUP BY stream
"""


class CredentialViews:
    """Reads over a pool of connections of the role for reading the past."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def one(self, workspace: str, integration: str) -> CredentialsStatus | None:
        """Return what is stored for *integration*, None if the workspace does not have it.

        Raises:
            UnavailableError: the database is away or busy.
        """
        types = [each.__name__ for each in CREDENTIAL_EVENTS]
        wanted = {"workspace": workspace, "stream": integration, "types": types}
        with translate_unavailable():
            return credentials_status(
                await fetch_in_workspace(
                    self.pool, workspace, CREDENTIAL_EVENTS_SQL, wanted, args_row(decode_recorded)
                )
            )

    async def checks(
        self, workspace: str, integrations: Sequence[str]
    ) -> Mapping[str, NewestCheck]:
        """Return the newest check of each of *integrations* that *workspace* has and has checked.

        Raises:
            UnavailableError: the database is away or busy.
        """
        types = [each.__name__ for each in CHECKED_PARTS]
        wanted = {"workspace": workspace, "streams": [*integrations], "types": types}
        with translate_unavailable():
            return newest_checks(
                await fetch_in_workspace(
                    self.pool, workspace, NEWEST_CHECKS_SQL, wanted, args_row(decode_recorded)
                )
            )

    async def stored(
        self, workspace: str, integrations: Sequence[str]
    ) -> Mapping[str, Sequence[SecretField]]:
        """Return the fields of the stored secrets of each of *integrations* that has any.

        Raises:
            UnavailableError: the database is away or busy.
        """
        wanted = {"workspace": workspace, "streams": [*integrations]}
        with translate_unavailable():
            return dict(
                await fetch_in_workspace(self.pool, workspace, STORED_SQL, wanted, tuple_row)
            )
