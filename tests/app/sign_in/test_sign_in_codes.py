"""A code stands for its token once, and what is stored opens nothing."""

import asyncio
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import LiteralString

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.availability import UnavailableError
from app.database.pools import Pool
from app.sign_in.sessions import Sessions
from app.sign_in.sign_in_codes import SignInCodes

TOKEN = "eyJhbGciOiJFZERTQSJ9." + "a1B2" * 200 + ".c2lnbmF0dXJl"
MINUTE = timedelta(minutes=1)
END: LiteralString = "UPDATE integrations.console_codes SET expires_at = now()"
COUNT: LiteralString = "SELECT count(*) FROM integrations.console_codes"
BOTH: LiteralString = """
SELECT to_jsonb(codes)::text FROM integrations.console_codes AS codes
UNION ALL SELECT to_jsonb(sessions)::text FROM integrations.console_sessions AS sessions
"""
SWAP: LiteralString = """
UPDATE integrations.console_codes AS code SET sealed = other.sealed
FROM integrations.console_codes AS other WHERE other.id <> code.id
"""
TO_SESSIONS: LiteralString = """
INSERT INTO integrations.console_sessions (id, sealed, expires_at)
TABLE integrations.console_codes ON CONFLICT DO NOTHING
"""
TO_CODES: LiteralString = """
INSERT INTO integrations.console_codes (id, sealed, expires_at)
SELECT id, sealed, expires_at FROM integrations.console_sessions
ON CONFLICT DO NOTHING
"""
# Of a good code.
CHANGES: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "another": lambda _: "A" * 43,
    "too short": lambda code: code[:-1],
    "padded": lambda code: code + "=",
    "after a space": lambda code: f" {code}",
    "before a line break": lambda code: code + "\n",
    "in other case": lambda code: code.swapcase(),
    "NUL": lambda code: code[:-1] + "\0",
    "surrogate": lambda code: code[:-1] + "\ud800",
}


async def test_a_code_shows_its_token_until_it_is_taken(codes: SignInCodes) -> None:
    code = await codes.issue(TOKEN, MINUTE)

    assert re.fullmatch("[A-Za-z0-9_-]{43}", code)
    assert [await codes.peek(code), await codes.peek(code)] == [TOKEN, TOKEN]
    assert [await codes.take(code), await codes.take(code)] == [TOKEN, None]
    assert await codes.peek(code) is None


async def test_of_twenty_who_take_a_code_at_once_one_gets_the_token(codes: SignInCodes) -> None:
    code = await codes.issue(TOKEN, MINUTE)

    taken = await asyncio.gather(*(codes.take(code) for _ in range(20)))

    assert sorted(taken, key=str) == [None] * 19 + [TOKEN]


async def test_an_old_code_stands_for_nothing_and_is_deleted_by_the_next(
    codes: SignInCodes, admin: Connection[TupleRow]
) -> None:
    old = [await codes.issue(TOKEN, MINUTE) for _ in range(3)]
    admin.execute(END)

    assert [await codes.peek(code) for code in old] == [None] * 3
    assert [await codes.take(code) for code in old] == [None] * 3
    assert admin.execute(COUNT).fetchone() == (3,)
    await codes.issue(TOKEN, MINUTE)
    assert admin.execute(COUNT).fetchone() == (1,)


async def test_more_than_a_batch_of_old_codes_is_deleted(
    codes: SignInCodes, admin: Connection[TupleRow]
) -> None:
    admin.execute(
        "INSERT INTO integrations.console_codes"
        " SELECT int4send(n), '', now() FROM generate_series(1, 2500) AS n"
    )

    await codes.issue(TOKEN, MINUTE)

    assert admin.execute(COUNT).fetchone() == (1,)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_what_is_no_code_stands_for_nothing(
    codes: SignInCodes, change: Callable[[str], str]
) -> None:
    wrong = change(await codes.issue(TOKEN, MINUTE))

    assert (await codes.peek(wrong), await codes.take(wrong)) == (None, None)


# ----- What is stored opens nothing -----
async def test_the_tables_hold_neither_tokens_nor_codes_nor_cookies(
    codes: SignInCodes, sessions: Sessions, admin: Connection[TupleRow]
) -> None:
    keys = (await codes.issue(TOKEN, MINUTE), await sessions.open(TOKEN, time.time() + 60))

    rows = admin.execute(BOTH).fetchall()

    assert len(rows) == 2
    stored = str(rows)
    for text in (*keys, TOKEN, "a1B2a1B2"):
        assert text not in stored
        assert text.encode().hex() not in stored


async def test_a_sealed_token_opens_in_its_own_row_only(
    codes: SignInCodes, admin: Connection[TupleRow]
) -> None:
    both = [await codes.issue(TOKEN, MINUTE), await codes.issue("another", MINUTE)]
    admin.execute(SWAP)

    assert [await codes.peek(code) for code in both] == [None, None]


async def test_a_code_opens_no_session_and_a_cookie_is_no_code(
    codes: SignInCodes, sessions: Sessions, admin: Connection[TupleRow]
) -> None:
    code, cookie = await codes.issue(TOKEN, MINUTE), await sessions.open(TOKEN, time.time() + 60)
    assert (await sessions.token(code), await codes.peek(cookie)) == (None, None)

    admin.execute(TO_SESSIONS)
    admin.execute(TO_CODES)

    assert (await sessions.token(code), await codes.peek(cookie)) == (None, None)
    assert (await codes.peek(code), await sessions.token(cookie)) == (TOKEN, TOKEN)


async def test_a_database_that_is_away_is_unavailable(
    codes: SignInCodes, sessions: Sessions, commands: Pool
) -> None:
    await commands.close()

    for attempt in (
        codes.issue(TOKEN, MINUTE),
        codes.take("A" * 43),
        sessions.open(TOKEN, 0.0),
        sessions.token("A" * 43),
        sessions.close("A" * 43),
    ):
        with pytest.raises(UnavailableError):
            await attempt
