"""What goes wrong with providers; none of these errors holds any credential or answer.

ProviderError
├── ProviderFileError           a provider file or address is wrong: the service does not start
├── ProviderUnreachableError    a provider gave no response that can be read
├── UnsafeHeaderValueError      a value cannot be sent in a header
└── InvalidServiceAccountError  a value is not the JSON of a service account
"""


class ProviderError(Exception):
    """Something is wrong with a provider."""


class ProviderFileError(ProviderError):
    """A provider file or address cannot be used; one line that names it and says why."""


class ProviderUnreachableError(ProviderError):
    """There is no answer, or none that can be read; `reached` if there was one."""

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
