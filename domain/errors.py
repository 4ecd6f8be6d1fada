"""Refusals of the domain.

DomainError
├── IntegrationNotFoundError       the integration does not exist (any more)
├── IntegrationAlreadyExistsError  an id was used twice
└── VersionMismatchError           another change was first
"""


class DomainError(Exception):
    """The command was refused."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class IntegrationNotFoundError(DomainError):
    """There is no such integration."""


class IntegrationAlreadyExistsError(DomainError):
    """An integration with this id exists already."""


class VersionMismatchError(DomainError):
    """The integration has changed since it was read."""
