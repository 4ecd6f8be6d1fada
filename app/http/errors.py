"""The errors that the HTTP modules raise; problems.py maps each to a status."""

import re

from app.http.field_rules import FieldProblem
from app.rate_limit import RateLimitExceededError

FieldFinding = tuple[str | None, FieldProblem]
SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")


class MalformedBodyError(Exception):
    """The body is not valid JSON."""


class NotUtf8Error(Exception):
    """The body is not UTF-8."""


class NoBodyError(Exception):
    """There is no body."""


class NotAnObjectError(Exception):
    """The body must be a JSON object."""


class InvalidFieldsError(Exception):
    """The request is not valid."""

    def __init__(self, findings: list[FieldFinding]) -> None:
        super().__init__(type(self).__doc__)
        self.findings = findings


class ForbiddenError(Exception):
    """The token lacks the permission for this."""

    reason = "permission"


class IdempotencyQuotaError(RateLimitExceededError):
    """The workspace has too many stored responses."""


class IdempotencyKeyReusedError(Exception):
    """This idempotency key was used with another request."""


class WarningsRejectedError(InvalidFieldsError):
    """The request has warnings, and strict handling is preferred."""


class ProofUnavailableError(InvalidFieldsError):
    """There is no such proof."""


class TooMuchToReadError(InvalidFieldsError):
    """The request reads more than one request may."""


class NotReadyError(InvalidFieldsError):
    """The service cannot serve requests, or does not sign them."""


class ClientLeftError(Exception):
    """The client closed the connection before the response."""


class UnsupportedMediaTypeError(Exception):
    """The body is not application/json in UTF-8."""


class UnsupportedEncodingError(Exception):
    """The body has a Content-Encoding."""


class UnsupportedTransferEncodingError(Exception):
    """The body has a Transfer-Encoding other than chunked."""


def safe_field_name(name: str) -> str | None:
    """Return *name* if a response may repeat it: a plain identifier of at most 32 characters."""
    return name if SAFE_NAME.fullmatch(name) else None


def member_name(name: str, member: str) -> str | None:
    """Return the path to *member* of the object *name*, as far as a response may repeat it."""
    is_plain = safe_field_name(name) and safe_field_name(member)
    return f"{name}.{member}" if is_plain else safe_field_name(name)
