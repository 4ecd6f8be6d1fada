"""A session ends by itself: unused, after 12 hours, with its token, or when it is closed."""

import re
import time
from typing import LiteralString

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.sign_in.sessions import Sessions

TOKEN = "a.token.b"  # noqa: S105 — a text
USED: LiteralString = "SELECT now() - used_at < interval '25 s' FROM integrations.console_sessions"
LASTS: LiteralString = """
SELECT extract(epoch FROM expires_at - used_at)::float8 FROM integrations.console_sessions
"""
COUNT: LiteralString = "SELECT count(*) FROM integrations.console_sessions"
# How the time passes for the one session.
LATER: dict[str, tuple[LiteralString, bool]] = {
    "used 28 minutes ago": ("used_at = now() - interval '28 minutes'", True),
    "not used for 30 minutes": ("used_at = now() - interval '30 minutes'", False),
    "its last minute": ("expires_at = now() + interval '1 minute'", True),
    "its end": ("expires_at = now()", False),
}
HOUR = 3600.0


async def test_a_cookie_has_the_token_until_it_is_closed(sessions: Sessions) -> None:
    cookie, other = [await sessions.open(TOKEN, time.time() + HOUR) for _ in range(2)]
    assert re.fullmatch("[A-Za-z0-9_-]{43}", cookie)
    assert [await sessions.token(cookie), await sessions.token(cookie)] == [TOKEN, TOKEN]

    await sessions.close(cookie)

    assert [await sessions.token(cookie), await sessions.token(other)] == [None, TOKEN]
    await sessions.close(cookie)
    await sessions.close("no cookie")


@pytest.mark.parametrize(("change", "runs"), LATER.values(), ids=LATER)
async def test_a_session_ends_by_itself(
    sessions: Sessions, admin: Connection[TupleRow], change: LiteralString, *, runs: bool
) -> None:
    cookie = await sessions.open(TOKEN, time.time() + HOUR)
    admin.execute(b"UPDATE integrations.console_sessions SET " + change.encode())

    assert await sessions.token(cookie) == (TOKEN if runs else None)
    assert await sessions.token(cookie) == (TOKEN if runs else None)

    await sessions.open(TOKEN, time.time() + HOUR)
    assert admin.execute(COUNT).fetchone() == (2 if runs else 1,)


@pytest.mark.parametrize(
    ("token_lasts", "lasts"),
    [(HOUR, HOUR), (30 * 24 * HOUR, 12 * HOUR), (float("inf"), 12 * HOUR), (1e300, 12 * HOUR)],
)
async def test_a_session_lasts_as_long_as_its_token_and_12_hours_at_most(
    sessions: Sessions, admin: Connection[TupleRow], token_lasts: float, lasts: float
) -> None:
    await sessions.open(TOKEN, time.time() + token_lasts)

    [(seconds,)] = admin.execute(LASTS).fetchall()
    assert seconds == pytest.approx(lasts, abs=30)


async def test_a_token_that_has_ended_has_no_session(sessions: Sessions) -> None:
    cookie = await sessions.open(TOKEN, time.time() - 1)

    assert await sessions.token(cookie) is None


@pytest.mark.parametrize(("age", "noted"), [("30 s", False), ("70 s", True)])
async def test_a_use_is_noted_once_a_minute(
    sessions: Sessions, admin: Connection[TupleRow], age: LiteralString, *, noted: bool
) -> None:
    cookie = await sessions.open(TOKEN, time.time() + HOUR)
    admin.execute("UPDATE integrations.console_sessions SET used_at = now() - %s::interval", (age,))

    assert await sessions.token(cookie) == TOKEN

    assert admin.execute(USED).fetchone() == (noted,)
