"""What goes wrong with providers; none of these errors holds any credential or answer.

ProviderError
├── ProviderFileError           a provider file or address is wrong: the service does not start
├── NoResponseError             a provider gave no response that can be read
├── UnsafeHeaderValueError      a value cannot be sent in a header
└── InvalidServiceAccountError  a value is not the JSON of a service account
"""

from typing import Literal


class ProviderError(Exception):
    """Something is wrong with a provider."""


class ProviderFileError(ProviderError):
    """A provider file or address cannot be used; one line that names it and says why."""


NoResponseReason = Literal["unreachable", "untrusted", "unreadable", "too large"]


class NoResponseError(ProviderError):
    """There is no response, or none that can be read; `reason` says why."""

    def __init__(self, *, reason: NoResponseReason) -> None:
        super().__init__(reason)
        self.reason: NoResponseReason = reason


class UnsafeHeaderValueError(ProviderError):
    """A value holds what no header can carry; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class InvalidServiceAccountError(ProviderError):
    """This is not the JSON of a service account."""
