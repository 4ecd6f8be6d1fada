"""What became of a request for a lease is counted once, by the code of its response."""

import asyncio

import pytest

from app.access.errors import (
    IntegrationInactiveError,
    RecipientRequiredError,
    SecretInPurposeError,
)
from app.access.outcomes import Outcomes
from app.http.problems import PROBLEMS
from app.secrets.errors import KeyringUnavailableError
from domain.errors import IntegrationNotFoundError

RAISED = (
    (IntegrationNotFoundError(), "NOT_FOUND"),
    (RecipientRequiredError(), "RECIPIENT_REQUIRED"),
    (IntegrationInactiveError(), "INTEGRATION_INACTIVE"),
    (SecretInPurposeError(), "VALIDATION_ERROR"),
    (KeyringUnavailableError("kek", "no answer"), "UNAVAILABLE"),
    (ZeroDivisionError(), "INTERNAL_ERROR"),
)


@pytest.mark.parametrize(("error", "code"), RAISED, ids=lambda value: type(value).__name__)
def test_a_refusal_or_failure_is_counted_under_its_code(error: Exception, code: str) -> None:
    outcomes = Outcomes()

    with pytest.raises(type(error)), outcomes.counting():
        raise error

    assert {name for name, number in outcomes.counts.items() if number} == {code}
    if type(error) in PROBLEMS:
        assert PROBLEMS[type(error)].error == code


def test_a_lease_is_counted_and_who_leaves_is_not() -> None:
    outcomes = Outcomes()

    with outcomes.counting():
        pass
    with pytest.raises(asyncio.CancelledError), outcomes.counting():
        raise asyncio.CancelledError

    assert {name: number for name, number in outcomes.counts.items() if number} == {"GRANTED": 1}
