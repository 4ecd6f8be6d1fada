"""What counts as an unavailable database, and the one error that it becomes."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg.errors import ReadOnlySqlTransaction
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from app.batching import OverloadedError


class UnavailableError(Exception):
    """The database is away, busy or did not answer; the outcome of a write may be unknown."""


class ReplicationUnconfirmedError(Exception):
    """What was committed is here; whether a standby has it is unknown."""


UNAVAILABLE_ERRORS = (
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
    OverloadedError,
    TimeoutError,
    ReplicationUnconfirmedError,
    psycopg.OperationalError,
    ReadOnlySqlTransaction,  # a primary that is none any more
)
log = logging.getLogger(__name__)


@contextmanager
def translate_unavailable() -> Generator[None]:
    """Raise UnavailableError if the database is away, busy, full or stopping."""
    try:
        yield
    except UNAVAILABLE_ERRORS as error:
        log.warning("database unavailable", extra={"reason": type(error).__name__})
        raise UnavailableError from None
