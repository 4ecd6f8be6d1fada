"""Do the VAPID keys still belong together, when one is changed and the other is stored?"""

from msgspec import UNSET, UnsetType

from app.http.dependencies import Parts
from app.http.integrations.bodies import NO_PAIR, revealed
from app.http.request_bodies import InvalidFieldsError
from app.providers.vapid import belong_together
from app.secrets.errors import UnsealError
from app.secrets.secret import Secret
from domain.integration import Credential, Integration


class Pairs:
    """Compares keys of one integration of one workspace with those that are stored."""

    def __init__(self, parts: Parts, workspace: str, integration: str) -> None:
        self._parts = parts
        self._place = (workspace, integration)

    async def require_public(self, state: Integration, public: str | UnsetType | None) -> None:
        """Raise InvalidFieldsError where *public* is no pair with the stored private key."""
        if public is UNSET or public is None or public == state.vapid_public_key:
            return
        private = await self._stored_private_key(state)
        if private and belong_together(public, revealed(private)) is False:
            raise InvalidFieldsError([("vapidPublicKey", NO_PAIR)])

    def require_private(self, state: Integration, private: Secret | None) -> None:
        """Raise InvalidFieldsError where *private* is no pair with the public key that stays."""
        public = state.vapid_public_key
        if private and public and belong_together(public, revealed(private)) is False:
            raise InvalidFieldsError([("vapidPrivateKey", NO_PAIR)])

    async def _stored_private_key(self, state: Integration) -> Secret | None:
        wanted = [secret for secret in state.credentials if is_private_key(secret)]
        try:
            opened = await self._parts.secrets.opened(*self._place, wanted)
        except UnsealError:
            return None  # it cannot be compared, nor used: a check of the credentials says so
        return opened.get("vapidPrivateKey")


def is_private_key(secret: Credential) -> bool:
    """Tell whether *secret* is a VAPID private key."""
    return secret.field == "vapidPrivateKey"
