import traceback
from collections.abc import Callable

import pytest

from app.secrets.file_keyring import FileKeyring
from app.secrets.keyring_format import new_kek


@pytest.fixture(scope="session")
def keyring() -> FileKeyring:
    """A keyring that never was a file."""
    return FileKeyring([new_kek(epoch=1)])


@pytest.fixture(scope="session")
def told_in_full() -> Callable[[BaseException], str]:
    """All that an error reporter could say of an error: causes and every frame's variables."""

    def told(error: BaseException) -> str:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(report.format())

    return told
