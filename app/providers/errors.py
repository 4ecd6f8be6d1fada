"""What goes wrong with providers; none of these errors holds any credential or answer.

ProviderError
├── ProviderFileError   a provider file or a provider's address is wrong: the start stops
├── ProviderUnreachableError       a provider gave no answer that can be read
├── UnsafeHeaderValueError     a value cannot stand in a request
└── NoAccountError      a value is not the JSON of a service account
"""


class ProviderError(Exception):
    """Something is wrong with a provider."""


class ProviderFileError(ProviderError):
    """A provider file or address cannot be used; one line that names it and says why."""


class ProviderUnreachableError(ProviderError):
    """There is no answer, or none that can be read; `reached` where there was one."""

    def __init__(self, *, reached: bool) -> None:
        super().__init__("no answer that can be read")
        self.reached = reached


class UnsafeHeaderValueError(ProviderError):
    """A value holds what no header can carry; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class InvalidServiceAccountError(ProviderError):
    """This is not the JSON of a service account."""
