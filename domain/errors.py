"""What the domain refuses.

DomainError
├── NotFoundError          the integration is not there (any more)
├── AlreadyExistsError     an id was used twice
└── VersionMovedError      somebody else was faster
"""


class DomainError(Exception):
    """The command was refused."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class NotFoundError(DomainError):
    """There is no such integration."""


class AlreadyExistsError(DomainError):
    """An integration with this id exists already."""


class VersionMovedError(DomainError):
    """The integration has changed since it was read."""
