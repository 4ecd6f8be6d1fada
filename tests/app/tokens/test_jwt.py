from app.tokens.jwt import SIGNATURES


def test_no_other_algorithm_exists() -> None:
    assert set(SIGNATURES.get_algorithms()) == {"EdDSA", "Ed25519", "ES256", "RS256"}
