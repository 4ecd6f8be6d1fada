"""Tokens that both servers accept: signed by our own key; the peer gets its public half."""

import time
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from app.tokens.local_key import FILE_NAME, open_local_key
from app.tokens.principal import RESOLVE

LIFE = 24 * 3600  # seconds


def tokens_for(data_dir: Path, workspaces: list[str], *, recipient: str | None = None) -> list[str]:
    """Return a token (EdDSA) for each of *workspaces*, by the key of *data_dir*.

    It is an administrator's, or that of a worker with the key *recipient*, who may lease alone.
    """
    key, now = open_local_key(data_dir, create=True), time.time()
    return [
        key.issue(
            workspace=workspace,
            subject="benchmark",
            ttl=LIFE,
            issuer="integrations",
            audience="integrations",
            now=now,
            role=None if recipient else "ADMIN",
            permissions=[RESOLVE] if recipient else None,
            recipient=recipient,
        )
        for workspace in workspaces
    ]


def write_public_key(data_dir: Path) -> Path:
    """Write the public half of the key of *data_dir* next to it, as PEM; return the file."""
    open_local_key(data_dir, create=True)
    private = load_pem_private_key((data_dir / FILE_NAME).read_bytes(), password=None)
    file = data_dir / "token-key-public.pem"
    public = private.public_key()
    file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file
