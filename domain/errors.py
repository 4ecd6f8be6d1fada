"""Refusals of the domain.

DomainError
├── IntegrationNotFoundError       the integration does not exist (any more)
├── IntegrationAlreadyExistsError  an id was used twice
└── VersionMismatchError           another change was first
    ├── DefaultMismatchError       of the default of a channel
    ├── NoVersionExpectedError     what was expected is no version at all
    └── UnexpectedVersionError     it has a version that it must not have
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


class DefaultMismatchError(VersionMismatchError):
    """The default of the channel has changed since it was read."""


class NoVersionExpectedError(VersionMismatchError):
    """What was expected is no version at all."""


class UnexpectedVersionError(VersionMismatchError):
    """There is a version that there must not be."""
