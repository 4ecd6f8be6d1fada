"""Errors of secrets; none of them holds any content.

SecretsError
├── KeyringError       the keyring cannot be used: the start stops, with one line
├── UnknownKekError    the keyring does not have the key that a row names
├── DecryptionError    something cannot be decrypted with its own key
├── MissingSecretError a stored secret is missing, or is not the one that the event records
└── UnsealError        a stored secret cannot be opened; says which one

UnavailableError
└── KeyringUnavailableError the keyring cannot be used now: a request is answered 503
"""

from app.database.availability import UnavailableError


class SecretsError(Exception):
    """Something is wrong with a secret or a key."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class KeyringError(SecretsError):
    """The keyring cannot be used; one line: what is wrong, and what to do."""

    def __init__(
        self,
        problem: str,
        remedy: str | None = None,
    ) -> None:
        remedy = remedy or "put the right one back, or point INTEGRATIONS_KEYRING at it"
        super().__init__(f"The keyring {problem}: {remedy}.")


class KeyringUnavailableError(UnavailableError):
    """The keyring cannot be used now, and nothing is known of the key; one line."""


class UnknownKekError(SecretsError):
    """The keyring does not have this key."""

    def __init__(self, kek: str) -> None:
        super().__init__(f"The key {kek} is not in the keyring.")
        self.kek = kek


class DecryptionError(SecretsError):
    """The stored bytes were changed, or belong elsewhere."""


class MissingSecretError(SecretsError):
    """It is missing, or is not the one that was recorded."""


class UnsealError(SecretsError):
    """A stored secret cannot be opened."""

    def __init__(
        self, *, workspace: str, stream: str, field: str, version: int, reason: SecretsError
    ) -> None:
        super().__init__(
            f"{field} (version {version}) of integration {stream} in workspace {workspace} "
            f"cannot be opened. {reason}"
        )
        self.workspace = workspace
        self.stream = stream
        self.field = field
        self.version = version
