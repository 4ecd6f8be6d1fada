"""Counts requests for leases by what became of them."""

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import get_args

from app.access.access import Outcome
from app.access.errors import LeaseRefusedError, SecretInPurposeError
from app.database.availability import UnavailableError
from app.secrets.errors import UnsealError
from domain.errors import IntegrationNotFoundError

FAILED = "INTERNAL_ERROR"
NOT_RECORDED: Mapping[type[Exception], str] = {
    IntegrationNotFoundError: "NOT_FOUND",
    SecretInPurposeError: "VALIDATION_ERROR",
    UnsealError: "CONFLICT",
    UnavailableError: "UNAVAILABLE",
}


class Outcomes:
    """How many requests of this process were granted or refused, by the code of the response."""

    def __init__(self) -> None:
        known = (*get_args(Outcome), *NOT_RECORDED.values(), FAILED)
        self.counts = Counter(dict.fromkeys(known, 0))

    @contextmanager
    def counting(self) -> Generator[None]:
        """Count one request: what this block raises, or a lease."""
        try:
            yield
        except Exception as error:
            self.counts[outcome_of(error)] += 1
            raise
        self.counts["GRANTED"] += 1


def outcome_of(error: Exception) -> str:
    """Return what is counted for *error*."""
    if isinstance(error, LeaseRefusedError):
        return error.outcome
    return next((code for kind, code in NOT_RECORDED.items() if isinstance(error, kind)), FAILED)
