"""docs/operations.md: the token of each identity provider is taken with the settings shown."""

import json
import re
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from app.settings import read_settings
from app.tokens.jwks_file import JwksFile
from app.tokens.verifier import TokenVerifier

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
PROVIDERS = ("Keycloak", "Auth0", "Microsoft Entra ID")


def section(heading: str) -> str:
    """Return what the page says under *heading*."""
    return PAGE.partition(f"### {heading}\n")[2].partition("\n## ")[0].partition("\n### ")[0]


def settings_in(text: str) -> dict[str, str]:
    """Return the settings of the block without a language."""
    [block] = re.findall(r"^```\n(INTEGRATIONS_.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return dict(line.split("=", 1) for line in block.splitlines())


def claims_in(text: str) -> dict[str, Any]:
    """Return the claims of the block of JSON."""
    [block] = re.findall(r"^```json\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return json.loads(block)


@pytest.fixture(scope="module")
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def keys(tmp_path: Path, signing_key: rsa.RSAPrivateKey) -> JwksFile:
    """The keys of an identity provider, read from a file."""
    public = json.loads(RSAAlgorithm.to_jwk(signing_key.public_key()))
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}))
    return JwksFile(path)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_token_of_an_identity_provider_is_taken(
    provider: str, keys: JwksFile, signing_key: rsa.RSAPrivateKey
) -> None:
    settings = read_settings(settings_in(section(provider)))
    claims = claims_in(section(provider))
    token = jwt.encode(claims, signing_key, "RS256", headers={"kid": "one"})
    verifier = TokenVerifier(
        keys, settings.jwt_issuer, settings.jwt_audience, clock=lambda: claims["iat"] + 1
    )

    principal = await verifier.authenticate(f"Bearer {token}")

    assert principal.workspace == "demo"
    assert principal.permissions == set(claims["permissions"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_keys_are_fetched_from_the_issuer(provider: str) -> None:
    settings = settings_in(section(provider))
    issuer = settings["INTEGRATIONS_JWT_ISSUER"]

    assert issuer == claims_in(section(provider))["iss"]
    assert settings["INTEGRATIONS_JWKS"].split("/")[2] == issuer.split("/")[2]
