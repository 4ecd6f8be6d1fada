"""What goes wrong with tokens and their keys.

TokenError
├── UnauthorizedError      the request bears no valid token
│   └── UnknownKeyError    its token names a key that we do not have (yet)
├── JwksError              the JWKS cannot be read, or holds no key for us
└── TokenKeyError          our own key cannot be read or made

No message repeats any part of a token or of a private key; each is one line.
"""


class TokenError(Exception):
    """A token or a key was refused."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class UnauthorizedError(TokenError):
    """The request bears no valid token."""


class UnknownKeyError(UnauthorizedError):
    """The token names a signing key that is not known here."""


class JwksError(TokenError):
    """The JWKS cannot be used."""


class TokenKeyError(TokenError):
    """The service's own token key cannot be used."""
