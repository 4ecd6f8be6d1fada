"""Rules of single fields that no body test shows."""

import pytest

from app.http.email_address import parse_email, require_email
from app.http.field_rules import FieldError


def test_a_valid_address_is_cached_and_a_refused_one_is_not() -> None:
    require_email.cache_clear()
    for _ in range(2):
        assert parse_email("ops@example.com") == "ops@example.com"
        with pytest.raises(FieldError):
            parse_email("sk_live_no_address")
    remembered = require_email.cache_info()
    assert (remembered.hits, remembered.currsize) == (1, 1)
