"""The errors of leases; a refusal is recorded like a grant."""


class RecipientRequiredError(Exception):
    """The token names no X25519 key that a lease can be sealed to."""

    reason = "recipient"


class IntegrationInactiveError(Exception):
    """The integration is switched off."""
