"""Both tables of the sign-in, over one database."""

import pytest

from app.database.pools import Pool
from app.sign_in.sessions import Sessions
from app.sign_in.sign_in_codes import SignInCodes


@pytest.fixture
def codes(commands: Pool) -> SignInCodes:
    """The codes of links."""
    return SignInCodes(commands)


@pytest.fixture
def sessions(commands: Pool) -> Sessions:
    """The sessions of the console."""
    return Sessions(commands)
