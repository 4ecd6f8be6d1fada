"""The principal of a request, made from the claims of a verified token."""

import re
from collections.abc import Mapping
from typing import cast

from msgspec import Struct

from app.tokens.errors import UnauthorizedError
from domain.envelope import Actor

VIEW = "integrations:view"
CREATE = "integrations:create"
EDIT = "integrations:edit"
DELETE = "integrations:delete"
AUDIT = "audit:view"
PERMISSIONS = frozenset({VIEW, CREATE, EDIT, DELETE, AUDIT})
ROLES = {"ADMIN": PERMISSIONS, "EDITOR": frozenset({VIEW}), "VIEWER": frozenset({VIEW})}

WORKSPACE = re.compile(r"[A-Za-z0-9_-]{1,64}")
# An actor goes into the log for ever: no control characters and line ends, which would forge
# lines of a report, and no lone surrogates, which cannot be stored as UTF-8.
PLAIN_TEXT = re.compile("[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{0,255}")


class Principal(Struct, frozen=True):
    """The caller, the workspace, and the granted PERMISSIONS."""

    actor: Actor
    workspace: str
    permissions: frozenset[str]


def principal_from(claims: Mapping[str, object]) -> Principal:
    """Return the principal that verified *claims* speak of.

    A claim that is null counts as absent. Where both `permissions` and `role` are given the
    list rules, as the narrower word, and the role is not read.

    Raises:
        UnauthorizedError: `sub` or `workspaceId` is missing or malformed, `name` or `email` is
            malformed, or neither `permissions` nor a known `role` is there.
    """
    actor = Actor(
        sub=subject_claim(claims),
        name=optional_text(claims, "name"),
        email=optional_text(claims, "email"),
    )
    return Principal(actor, workspace_claim(claims), granted_permissions(claims))


def subject_claim(claims: Mapping[str, object]) -> str:
    """Return the claim `sub`, which may not be blank."""
    sub = optional_text(claims, "sub")
    if sub is None:
        message = "The token has no sub."
        raise UnauthorizedError(message)
    return sub


def optional_text(claims: Mapping[str, object], claim: str) -> str | None:
    """Return the claim, 1 to 255 plain characters; None if it is absent, null or blank."""
    value = claims.get(claim)
    if value is None:
        return None
    if not isinstance(value, str) or not PLAIN_TEXT.fullmatch(value):
        message = f"The token's {claim} is not plain text of at most 255 characters."
        raise UnauthorizedError(message)
    return value if value.strip() else None


def workspace_claim(claims: Mapping[str, object]) -> str:
    """Return the claim `workspaceId`."""
    workspace = claims.get("workspaceId")
    if not isinstance(workspace, str) or not WORKSPACE.fullmatch(workspace):
        message = "The token has no workspaceId of 1 to 64 letters, digits, _ and -."
        raise UnauthorizedError(message)
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
        raise UnauthorizedError(message)
    return PERMISSIONS.intersection(cast("list[str]", listed))


def role_permissions(role: object) -> frozenset[str]:
    """Return what *role* allows; an unknown role is refused, as it says what we do not grasp."""
    if not isinstance(role, str) or role not in ROLES:
        message = "The token has neither permissions nor a role ADMIN, EDITOR or VIEWER."
        raise UnauthorizedError(message)
    return ROLES[role]
