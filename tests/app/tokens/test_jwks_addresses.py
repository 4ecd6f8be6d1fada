"""From which addresses keys are fetched."""

import pytest

from app.tokens.errors import JwksError
from app.tokens.jwks_url import JwksUrl


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "jwks.json",
        "https://",
        "http:///jwks",
        "https://user:canary@127.0.0.1/jwks",
        "https://canary@127.0.0.1/jwks",
        "http://canary:canary/",
        "",
    ],
)
def test_only_plain_http_addresses_are_taken(url: str) -> None:
    with pytest.raises(JwksError, match="http or https URL without a user name") as raised:
        JwksUrl(url)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/jwks",
        "http://10.0.0.1/jwks",
        "http://0.0.0.0/jwks",
        "http://127.0.0.1.example.com/jwks",
        "http://localhost.example.com/jwks",
        "HTTP://[2001:db8::1]:80/jwks",
    ],
)
def test_keys_come_by_https_or_from_this_machine(url: str) -> None:
    with pytest.raises(JwksError, match="INTEGRATIONS_JWKS must be https, or http on"):
        JwksUrl(url)


@pytest.mark.parametrize(
    "url", ["https://issuer.example/jwks", "http://localhost/jwks", "http://[::1]:8080/jwks"]
)
def test_safe_addresses_are_taken(url: str) -> None:
    assert JwksUrl(url).keys() == ()
