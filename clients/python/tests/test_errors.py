"""Errors travel between processes, as task queues send them, and keep what they say."""

import pickle

import integrations_client
import pytest
from integrations_client import ForkedError, LeaseExpiredError, ServiceError

NAMES = [name for name in integrations_client.__all__ if name.endswith("Error")]
ERRORS = [getattr(integrations_client, name) for name in NAMES]


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_can_be_pickled(kind: type[Exception]) -> None:
    error = kind("why")

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 — our own

    assert (type(again), str(again), again.args) == (kind, str(error), ("why",))


@pytest.mark.parametrize("kind", [ForkedError, LeaseExpiredError])
def test_an_error_without_a_reason_says_what_to_do(kind: type[Exception]) -> None:
    assert str(pickle.loads(pickle.dumps(kind()))) == str(kind()) != ""  # noqa: S301 — our own


def test_what_the_service_said_stays_with_the_error() -> None:
    error = ServiceError("No", status=503, code="UNAVAILABLE", request_id="r", retry_after=2.0)

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 — our own

    assert str(again) == "No (UNAVAILABLE, request r)"
    assert (again.status, again.retry_after) == (503, 2.0)
