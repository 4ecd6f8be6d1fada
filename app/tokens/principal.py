"""The principal of a request, made from the claims of a verified token."""

import re
from collections.abc import Mapping
from typing import cast

from msgspec import Struct

from app.identifiers import WORKSPACE
from app.pasted_text import shows_nothing, strip_hidden
from app.tokens.errors import UnauthorizedError
from app.tokens.recipient import Recipient, recipient_from
from domain.envelope import Actor

VIEW = "integrations:view"
CREATE = "integrations:create"
EDIT = "integrations:edit"
DELETE = "integrations:delete"
AUDIT = "audit:view"
RESOLVE = "integrations:resolve"  # leases: for machines, so it is in no role
PERMISSIONS = frozenset({VIEW, CREATE, EDIT, DELETE, AUDIT, RESOLVE})
ROLES = {
    "ADMIN": PERMISSIONS - {RESOLVE},
    "EDITOR": frozenset({VIEW}),
    "VIEWER": frozenset({VIEW}),
}

MAX_SUBJECT, MAX_NAME, MAX_EMAIL = 255, 255, 254  # characters; an email address: RFC 5321
# An actor goes into the log for ever: no control characters and line ends, which would forge
# lines of a report; no bidirectional controls and hidden characters, which make one actor look like
# another; no lone surrogates, which cannot be stored as UTF-8.
NOT_PLAIN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)


class Principal(Struct, frozen=True):
    """The caller, the workspace, the granted PERMISSIONS, and the key that leases are sealed to.

    `expires_at` is the token's `exp`, in seconds since 1970. `recipient` is None if the token names
    none, or may not lease.
    """

    actor: Actor
    workspace: str
    permissions: frozenset[str]
    expires_at: float
    recipient: Recipient | None = None


def principal_from(claims: Mapping[str, object], expires_at: float) -> Principal:
    """Return the principal that verified *claims* speak of, whose token ends at *expires_at*.

    A claim that is null counts as absent. If both `permissions` and `role` are given the list
    rules, as the narrower word, and the role is not read. A `name` or `email` that is not plain is
    left out: the actor is known by the `sub`, and an altered claim would be none of the issuer's.

    Raises:
        UnauthorizedError: `sub` or `workspaceId` is missing or malformed, or neither
            `permissions` nor a known `role` is there.
    """
    actor = Actor(
        sub=subject_claim(claims),
        name=plain_claim(claims, "name", MAX_NAME),
        email=plain_claim(claims, "email", MAX_EMAIL),
    )
    workspace, permissions = workspace_claim(claims), granted_permissions(claims)
    recipient = recipient_from(claims) if RESOLVE in permissions else None
    return Principal(actor, workspace, permissions, expires_at, recipient)


def subject_claim(claims: Mapping[str, object]) -> str:
    """Return the claim `sub`."""
    sub = plain_claim(claims, "sub", MAX_SUBJECT)
    if sub is None:
        message = f"The token has no sub of 1 to {MAX_SUBJECT} plain characters."
        raise UnauthorizedError(message, "subject")
    return sub


def plain_claim(claims: Mapping[str, object], claim: str, most: int) -> str | None:
    """Return the claim if it is plain text of at most *most* characters that shows something."""
    value = claims.get(claim)
    if not isinstance(value, str) or len(value) > most or NOT_PLAIN.search(value):
        return None
    return None if shows_nothing(value) or strip_hidden(value) != value else value


def workspace_claim(claims: Mapping[str, object]) -> str:
    """Return the claim `workspaceId`."""
    workspace = claims.get("workspaceId")
    if not isinstance(workspace, str) or not WORKSPACE.fullmatch(workspace):
        message = "The token has no workspaceId of 1 to 64 letters, digits, _ and -."
        raise UnauthorizedError(message, "workspace")
    return workspace


def granted_permissions(claims: Mapping[str, object]) -> frozenset[str]:
    """Return what `permissions`, or else `role`, allows.

    Permissions that we do not know are left out, not refused: one token may serve several
    services, and a word unknown to us cannot allow anything here.
    """
    listed = claims.get("permissions")
    if listed is None:
        return role_permissions(claims.get("role"))
    if not isinstance(listed, list) or not all(
        isinstance(p, str) for p in cast("list[object]", listed)
    ):
        message = "The token's permissions are not a list of strings."
        raise UnauthorizedError(message, "permissions")
    return PERMISSIONS.intersection(cast("list[str]", listed))


def role_permissions(role: object) -> frozenset[str]:
    """Return what *role* allows; an unknown role is refused, as it says what we do not grasp."""
    if not isinstance(role, str) or role not in ROLES:
        message = "The token has neither permissions nor a role ADMIN, EDITOR or VIEWER."
        raise UnauthorizedError(message, "permissions")
    return ROLES[role]
