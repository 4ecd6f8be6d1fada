"""The catalogues as the service loads them."""

import pytest

from app.locales.catalogues import Catalogues, load_catalogues


@pytest.fixture(scope="session")
def catalogues() -> Catalogues:
    return load_catalogues()
