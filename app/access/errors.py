"""The errors of leases; a `LeaseRefusedError` is recorded like a grant, under its class's code."""

from typing import ClassVar

from app.access.access import Outcome


class LeaseRefusedError(Exception):
    """There is no lease."""

    outcome: ClassVar[Outcome]


class RecipientRequiredError(LeaseRefusedError):
    """The token names no X25519 key that a lease can be sealed to."""

    reason = "recipient"
    outcome = "RECIPIENT_REQUIRED"


class IntegrationInactiveError(LeaseRefusedError):
    """The integration is switched off."""

    outcome = "INTEGRATION_INACTIVE"


class NoDefaultError(LeaseRefusedError):
    """The channel has no default."""

    outcome = "NO_DEFAULT"


class DefaultInactiveError(LeaseRefusedError):
    """The default of the channel is switched off or deleted."""

    outcome = "DEFAULT_INACTIVE"


class SecretInPurposeError(Exception):
    """The purpose contains a secret of the integration, so that it cannot be recorded."""
