"""A lease: all that sending needs, until it is over."""

from collections.abc import Mapping
from datetime import UTC, datetime

from integrations_client.json_values import Json, as_object
from integrations_client.secret import Secret, Undisclosed
from integrations_client.term import Term


class Lease(Undisclosed):
    """What the service gave out: public values as they are, credentials as `Secret`.

    `version` is the integration's; `credentials` are those of its secrets, by field. `base_url` is
    the provider's address, None if it is not known.
    """

    __slots__ = (
        "api_key",
        "api_secret",
        "base_url",
        "channel",
        "credentials",
        "integration_id",
        "sender_email",
        "sender_name",
        "sender_phone",
        "settings",
        "term",
        "type",
        "vapid_private_key",
        "vapid_public_key",
        "version",
    )

    def __init__(
        self,
        integration_id: str,
        version: int,
        credentials: Mapping[str, int],
        content: Json,
        term: Term,
    ) -> None:
        def text(name: str) -> str | None:
            value = content.get(name)
            return value if isinstance(value, str) else None

        def secret(name: str) -> Secret | None:
            value = text(name)
            return None if value is None else Secret(value, term)

        self.integration_id = integration_id
        self.version = version
        self.credentials = credentials
        self.term = term
        self.type = text("type") or ""
        self.channel = text("channel") or ""
        self.sender_email = text("senderEmail")
        self.sender_name = text("senderName")
        self.sender_phone = text("senderPhone")
        self.vapid_public_key = text("vapidPublicKey")
        self.base_url = text("baseUrl")
        self.settings = as_object(content.get("settings"))
        self.api_key = secret("apiKey")
        self.api_secret = secret("apiSecret")
        self.vapid_private_key = secret("vapidPrivateKey")

    @property
    def expires_at(self) -> datetime:
        """When the lease is over."""
        return datetime.fromtimestamp(self.term.end, UTC)

    def __repr__(self) -> str:
        """Name what was leased, and nothing of it."""
        return f"<Lease of {self.integration_id}, version {self.version}, {self.type}>"
