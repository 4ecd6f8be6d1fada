"""Sessions of the console: who has a cookie has the token that was signed in with.

A session ends after 30 minutes in which it is not used, after 12 hours, with its token, or when it
is closed, whichever is first (OWASP ASVS, V7.3 and V7.4).
"""

from app.database.pools import Pool
from app.sign_in.rows import delete_expired, execute, fetch_row
from app.sign_in.sealed_token import find_id, open_token, seal_token

LABEL = b"integrations/console-session/v1"
MAX_SECONDS = 12 * 3600
OPEN_SQL = """
INSERT INTO integrations.console_sessions (id, sealed, expires_at) VALUES (
    %(id)s, %(sealed)s,
    to_timestamp(least(%(expires_at)s, extract(epoch FROM now())::float8 + %(max_seconds)s))
)
"""
# The use is noted once a minute, so that to look at a page writes nothing.
USE_SQL = """
WITH running AS (
    SELECT id, sealed FROM integrations.console_sessions
    WHERE id = %(id)s AND expires_at > now() AND used_at > now() - interval '30 minutes'
), noted AS (
    UPDATE integrations.console_sessions AS session SET used_at = now() FROM running
    WHERE session.id = running.id AND session.used_at < now() - interval '1 minute'
)
SELECT id, sealed FROM running
"""
CLOSE_SQL = "DELETE FROM integrations.console_sessions WHERE id = %(id)s"
DELETE_EXPIRED_SQL = """
DELETE FROM integrations.console_sessions WHERE id IN (
    SELECT id FROM integrations.console_sessions
    WHERE expires_at <= now() OR used_at <= now() - interval '30 minutes'
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
"""


class Sessions:
    """The sessions, over a pool of the role for commands; they may raise UnavailableError."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open(self, token: str, expires_at: float) -> str:
        """Return the cookie, 43 characters, of a new session for *token*.

        *expires_at* is the token's `exp`, in seconds since 1970.
        """
        await delete_expired(self._pool, DELETE_EXPIRED_SQL)
        cookie, row = seal_token(token, LABEL)
        times = {"expires_at": expires_at, "max_seconds": MAX_SECONDS}
        await execute(self._pool, OPEN_SQL, {"id": row.id, "sealed": row.sealed, **times})
        return cookie

    async def token(self, cookie: str) -> str | None:
        """Return the token of the session of *cookie*; None if there is none, or it has ended."""
        if (id_ := find_id(cookie)) is None:
            return None
        row = await fetch_row(self._pool, USE_SQL, {"id": id_})
        return row and open_token(cookie, row, LABEL)

    async def close(self, cookie: str) -> None:
        """End the session of *cookie*, if there is one."""
        if (id_ := find_id(cookie)) is not None:
            await execute(self._pool, CLOSE_SQL, {"id": id_})
