"""A request for a lease, and what the journal keeps of it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from app.access.access import GRANTED, Access, Outcome
from app.secrets.secret import Secret
from app.tokens.recipient import Recipient
from app.views.lease_material import LeaseMaterial
from domain.envelope import EventMetadata
from domain.integration import SecretField


class LeaseRequest(Struct, frozen=True, kw_only=True):
    """Who asks for what: `metadata` is the request's, `recipient` the key that the token names.

    `integration` is an integration's id, or that of a channel's default. `check_texts` is None if
    the caller wrote nothing that is recorded.
    """

    workspace: str
    integration: str
    recipient: Recipient | None
    purpose: str | None
    metadata: EventMetadata
    at: datetime
    check_texts: "CheckTexts | None" = None


Secrets = Mapping[SecretField, Secret]
CheckTexts = Callable[[LeaseRequest, LeaseMaterial | None, Secrets], LeaseRequest]
"""Returns the request as it may be recorded, given the secrets of the material.

Raises SecretInPurposeError if it may not.
"""


def access_of(request: LeaseRequest, material: LeaseMaterial | None, outcome: Outcome) -> Access:
    """Return what the journal keeps of *request*."""
    return Access(
        workspace=request.workspace,
        integration=material.id if material else request.integration,
        at=request.at,
        actor=request.metadata.actor,
        recipient=request.recipient.thumbprint if request.recipient else None,
        version=material.version if material else 0,
        versions=credential_versions(material) if material and outcome == GRANTED else {},
        purpose=request.purpose,
        outcome=outcome,
        client_address=request.metadata.client_address,
        request_id=request.metadata.request_id,
    )


def credential_versions(material: LeaseMaterial) -> dict[SecretField, int]:
    """Return the version of each secret of *material*, by its field."""
    return {sealed.field: sealed.version for sealed in material.secrets}
