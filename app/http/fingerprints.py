"""What tells one request from another, kept so that nobody can try bodies against it."""

from hashlib import sha256

from app.http.responses import ApiRequest
from app.secrets.errors import DecryptionError, UnknownKekError
from app.secrets.keyring import Keyring, WrappedKey
from app.secrets.secret import Secret

LABEL = b"integrations/fingerprint/v1\0"


def fingerprint_of(request: ApiRequest, body: bytes) -> Secret:
    """Return the SHA-256 over workspace, method, path and body."""
    place = f"{request.user.workspace} {request.method} {request.scope['path']}\n"
    return Secret(sha256(place.encode() + body).digest())


async def sealed_fingerprint(keyring: Keyring, fingerprint: Secret, place: str) -> bytes:
    """Return *fingerprint* under the current KEK, bound to *place*, as it is kept.

    A body holds secrets, and a short one could be found by trying bodies against a bare hash.
    """
    wrapped = await keyring.wrap(fingerprint, LABEL + place.encode())
    return wrapped.kek.encode() + b"\0" + wrapped.wrapped


async def is_same(keyring: Keyring, kept: bytes, fingerprint: Secret, place: str) -> bool:
    """Tell whether *kept* is *fingerprint*; it is not where its KEK is gone by now."""
    kek, _, wrapped = kept.partition(b"\0")
    try:
        opened = await keyring.unwrap(
            WrappedKey(kek=kek.decode(), wrapped=wrapped), LABEL + place.encode()
        )
    except (UnknownKekError, DecryptionError):
        return False
    return opened == fingerprint
