"""Keys from a JWKS in a file, read again when it changes."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from app.tokens.errors import JwksError
from app.tokens.jwks import MAX_JWKS_BYTES, MAX_KEY_AGE, UsableKeys, select_keys
from app.tokens.jwt import VerificationKey
from app.tokens.key_source import KeySource

POLL_INTERVAL = 2.0  # seconds
Signature = tuple[int, int, int, int]

log = logging.getLogger(__name__)


class JwksFile(KeySource):
    """The keys of the JWKS at *path*; a change counts within 2 seconds.

    While the file is away or broken, as in the middle of being written, the last good keys
    stay, for 24 h; an empty list of keys is a change like any other and shuts everybody out.
    *clock* gives monotonic seconds.

    Raises:
        JwksError: at the beginning the file cannot be read or has no usable key.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._next_poll = clock() + POLL_INTERVAL
        self._good_at = clock()
        self._is_good = True
        self._signature = file_signature(path)
        self._keys = self._read().required_from(str(path))

    def keys(self) -> tuple[VerificationKey, ...]:
        """Return the file's keys."""
        now = self._clock()
        if now >= self._next_poll:
            self._next_poll = now + POLL_INTERVAL
            self._poll()
            if self._is_good:
                self._good_at = now
        return self._keys if now - self._good_at <= MAX_KEY_AGE else ()

    def _poll(self) -> None:
        """Read the file if it is not what it was."""
        # The signature is taken before the content: a change in between is seen by the next look.
        found = file_signature(self._path)
        if found == self._signature:
            return
        self._signature = found
        try:
            self._keys = self._read().keys
            self._is_good = True
        except JwksError as error:
            self._is_good = False
            log.warning("%s; the keys read before stay in use for up to 24 h", error)

    def _read(self) -> UsableKeys:
        """Return what the file holds now."""
        try:
            with self._path.open("rb") as file:
                usable = select_keys(file.read(MAX_JWKS_BYTES + 1))
        except (OSError, JwksError) as error:
            message = (
                f"JWKS {self._path}: {error.strerror if isinstance(error, OSError) else error}"
            )
            raise JwksError(message) from None
        for reason in usable.skipped:
            log.warning("JWKS %s: %s", self._path, reason)
        return usable


def file_signature(path: Path) -> Signature | None:
    """Return what changes whenever the file does; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
