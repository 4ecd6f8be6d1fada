"""What goes wrong with tokens and their keys.

TokenError
├── UnauthorizedError      the request bears no valid token
│   ├── MissingTokenError  it bears none at all
│   └── UnknownKeyError    its token names a key that we do not have (yet)
├── JwksError              the JWKS cannot be read, or holds no key for us
└── TokenKeyError          our own key cannot be read or made

No message repeats any part of a token or of a private key; each is one line.
"""

from typing import Literal

RefusalReason = Literal[
    "no_token",
    "too_long",
    "malformed",
    "algorithm",
    "type",
    "critical_header",
    "unknown_key",
    "signature",
    "issuer",
    "audience",
    "no_expiry",
    "expired",
    "not_yet_valid",
    "subject",
    "workspace",
    "permissions",
]
"""Why a token is refused: for the security log, never for the caller."""


class TokenError(Exception):
    """A token or a key was refused."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class UnauthorizedError(TokenError):
    """The request bears no valid token.

    `subject` is the actor if the signature is valid and the claims are refused.
    """

    subject: str | None = None

    def __init__(self, message: str, reason: RefusalReason) -> None:
        super().__init__(message)
        self.reason: RefusalReason = reason


class MissingTokenError(UnauthorizedError):
    """The request has no Authorization: Bearer header."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__ or "", "no_token")


class UnknownKeyError(UnauthorizedError):
    """The token names a signing key that is not known here."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__ or "", "unknown_key")


class JwksError(TokenError):
    """The JWKS cannot be used."""


class TokenKeyError(TokenError):
    """The service's own token key cannot be used."""
