"""One access: a worker asked for the credentials of an integration, and got them or not."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct

from app.secrets.sealing import length_prefixed
from domain.envelope import Actor
from domain.integration import SecretField

Outcome = Literal[
    "GRANTED", "INTEGRATION_INACTIVE", "RECIPIENT_REQUIRED", "NO_DEFAULT", "DEFAULT_INACTIVE"
]
"""`GRANTED`, or the error code of the refusal."""

GRANTED: Outcome = "GRANTED"


class Access(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the journal keeps of an access; its encoding is what is stored.

    `recipient` is the thumbprint of the worker's key, None if the token names none. `versions` are
    those of the secrets that were given out, by field, empty if refused; `version` is the
    integration's. If a channel has no default, `integration` is the id of that default, and
    `version` 0. `at` is UTC. No secret, and nothing sealed, is in it.
    """

    workspace: str
    integration: str
    at: datetime
    actor: Actor
    recipient: str | None
    version: int
    versions: Mapping[SecretField, int]
    purpose: str | None
    outcome: Outcome
    client_address: str | None
    request_id: str | None

    @property
    def grant_key(self) -> bytes:
        """What two accesses of one minute share if the journal keeps only the first.

        All that says who could have had what, and for what: only the address, the request and the
        second are not in it.
        """
        parts = (
            self.workspace,
            self.integration,
            self.actor.sub,
            self.recipient or "",
            self.purpose or "",
            self.outcome,
            *(f"{field}:{number}" for field, number in sorted(self.versions.items())),
        )
        return sha256(length_prefixed(*(part.encode() for part in parts))).digest()

    def encode(self) -> bytes:
        """Return the bytes that are stored."""
        return msgspec.json.encode(self)


decode_access = msgspec.json.Decoder(Access).decode
