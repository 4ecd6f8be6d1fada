"""The key that signs checkpoints: a file of its own, so that its signatures mean nothing else.

Whoever wants to check the service without trusting it keeps the verifier key of the workspace
outside, together with the first checkpoint: somebody who can write to the data directory can make
a new key, but not one with the same verifier key.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.checkpoint import origin_of
from app.audit.errors import CheckpointKeyError
from app.audit.note import Signer
from app.tokens.errors import TokenKeyError
from app.tokens.private_key_file import load_or_create_key

FILE_NAME = "audit-key.pem"


class CheckpointKey:
    """The Ed25519 key of this installation; signs for each workspace under the name of its log."""

    __slots__ = ("_private_key",)

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key

    def signer(self, workspace: str) -> Signer:
        """Return what signs checkpoints of *workspace*; its `verifier` prints as the verifier key.

        Raises:
            CheckpointError: no workspace can have this name.
        """
        return Signer(origin_of(workspace), self._private_key)


def open_checkpoint_key(data_dir: Path) -> CheckpointKey:
    """Return the key in `audit-key.pem` (PKCS #8, 0600) of *data_dir*, made at the first call.

    Raises:
        CheckpointKeyError: the file or the directory cannot be used, others than its owner may
            read or write the file, or it holds no Ed25519 key.
    """
    try:
        return CheckpointKey(load_or_create_key(data_dir / FILE_NAME, "checkpoint key"))
    except TokenKeyError as error:
        raise CheckpointKeyError(str(error)) from None
