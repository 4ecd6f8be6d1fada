"""The key that signs checkpoints: a file of its own, so that its signatures mean nothing else.

Whoever wants to check the service without trusting it keeps the verifier key of the workspace
outside, together with the first checkpoint: somebody who can write to the data directory can make
a new key, but not one with the same verifier key.
"""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.audit.checkpoint import origin_of
from app.audit.errors import CheckpointKeyError
from app.audit.note import Signer
from app.tokens.errors import TokenKeyError
from app.tokens.key_file import read_or_create
from app.tokens.local_key import new_pem

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
    path = data_dir / FILE_NAME
    try:
        return CheckpointKey(private_key_in(read_or_create(path, new_pem), path))
    except TokenKeyError as error:  # what read_or_create says of any key file
        raise CheckpointKeyError(str(error)) from None
    except OSError as error:
        message = f"the checkpoint key {path} cannot be used: {error.strerror}"
        raise CheckpointKeyError(message) from None


def private_key_in(pem: bytes, path: Path) -> Ed25519PrivateKey:
    """Return the key in *pem*; the refusal names *path* and nothing of the content."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        message = f"the checkpoint key {path} is no Ed25519 key in PEM (PKCS #8, not encrypted)"
        raise CheckpointKeyError(message)
    return key
