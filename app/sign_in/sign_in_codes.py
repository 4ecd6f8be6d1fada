"""The codes of links to the console: each stands for a token, once, and for a short time."""

from datetime import timedelta
from typing import LiteralString

from app.database.pools import Pool
from app.sign_in.rows import delete_expired, execute, fetch_row
from app.sign_in.sealed_token import find_id, open_token, seal_token

LABEL = b"integrations/console-code/v1"
ISSUE_SQL = """
INSERT INTO integrations.console_codes (id, sealed, expires_at)
VALUES (%(id)s, %(sealed)s, now() + %(lifetime)s)
"""
PEEK_SQL = """
SELECT id, sealed FROM integrations.console_codes WHERE id = %(id)s AND expires_at > now()
"""
TAKE_SQL = """
DELETE FROM integrations.console_codes WHERE id = %(id)s AND expires_at > now()
RETURNING id, sealed
"""
DELETE_EXPIRED_SQL = """
DELETE FROM integrations.console_codes WHERE id IN (
    SELECT id FROM integrations.console_codes WHERE expires_at <= now()
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
"""


def sign_in_link(origin: str, code: str) -> str:
    """Return the link with *code* to the console at *origin*.

    What follows `#` stays in the browser: no server, proxy, log or Referer has it.
    """
    return f"{origin}/console/enter#{code}"


class SignInCodes:
    """The codes, over a pool of the role for commands; they may raise UnavailableError."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def issue(self, token: str, lifetime: timedelta) -> str:
        """Return a new code for *token*, 43 characters; it counts once, within *lifetime*."""
        await delete_expired(self._pool, DELETE_EXPIRED_SQL)
        code, row = seal_token(token, LABEL)
        parameters = {"id": row.id, "sealed": row.sealed, "lifetime": lifetime}
        await execute(self._pool, ISSUE_SQL, parameters)
        return code

    async def peek(self, code: str) -> str | None:
        """Return the token of *code*, which stays; None if it is unknown, used or too old."""
        return await self._token(PEEK_SQL, code)

    async def take(self, code: str) -> str | None:
        """Return the token of *code* and delete it: of several at the same time one gets it."""
        return await self._token(TAKE_SQL, code)

    async def _token(self, query: LiteralString, code: str) -> str | None:
        if (id_ := find_id(code)) is None:
            return None
        row = await fetch_row(self._pool, query, {"id": id_})
        return row and open_token(code, row, LABEL)
