"""What is remembered of verified tokens, and until when."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.tokens.errors import UnauthorizedError, UnknownKeyError
from app.tokens.jwks import select_keys
from app.tokens.principal import Principal
from app.tokens.verifier import (
    CACHE_SIZE,
    CachedPrincipal,
    TokenCache,
    TokenVerifier,
)
from domain.envelope import Actor
from tests.app.tokens.conftest import CANARY, EXPIRED, SIGNATURE, Json, Refusal, Token


def test_a_cached_token_ends_with_its_exp(
    verifier: TokenVerifier, refusal: Refusal, token: Token, now: list[float]
) -> None:
    ending = "Bearer " + token(exp=now[0] - 30)
    assert verifier.verify(ending).expires_at == now[0] - 30
    now[0] += 29
    assert verifier.verify(ending).actor == CANARY.actor
    now[0] += 1
    assert refusal(ending) == EXPIRED


def test_a_refused_token_is_refused_again(
    verifier: TokenVerifier, refusal: Refusal, token: Token, now: list[float]
) -> None:
    early = "Bearer " + token(nbf=now[0] + 61)
    refusal(early)
    refusal(early)
    now[0] += 1
    assert verifier.verify(early) == CANARY


def test_a_cached_token_lets_no_sibling_in(
    verifier: TokenVerifier, refusal: Refusal, token: Token
) -> None:
    good = token()
    header, _, signature = good.split(".")
    other = token(workspaceId="canary_ws-2").split(".")[1]
    assert verifier.verify(f"Bearer {good}") == CANARY
    assert refusal(f"Bearer {header}.{other}.{signature}") == SIGNATURE


def test_a_revoked_key_stops_working_within_a_minute(
    verifier: TokenVerifier, token: Token, now: list[float], jwks_path: Path, jwks: list[Json]
) -> None:
    revoked, kept = "Bearer " + token("EdDSA"), "Bearer " + token("RS256")
    assert verifier.verify(revoked) == verifier.verify(kept) == CANARY
    jwks_path.write_text(json.dumps({"keys": [key for key in jwks if key["kid"] != "EdDSA"]}))
    for _ in range(30):
        now[0] += 2
        if refuses(verifier, revoked):
            break
    assert now[0] - 1_800_000_000 <= 60
    assert verifier.verify(kept) == CANARY
    assert refuses(verifier, revoked)


def refuses(verifier: TokenVerifier, authorization: str) -> bool:
    try:
        verifier.verify(authorization)
    except UnauthorizedError:
        return True
    return False


async def test_an_unknown_key_of_a_file_is_refused_at_once(
    verifier: TokenVerifier, token_naming: Callable[[str], str]
) -> None:
    assert await verifier.authenticate("Bearer " + token_naming("EdDSA")) == CANARY
    with pytest.raises(UnknownKeyError):
        await verifier.authenticate("Bearer " + token_naming("another"))


WHO = Principal(Actor(sub="u"), "ws", frozenset(), 0.0)


KEYS = ()


@pytest.mark.parametrize(("at", "found"), [(99, None), (100, WHO), (159, WHO), (160, None)])
def test_an_entry_counts_from_when_to_when_it_says(at: float, found: Principal | None) -> None:
    cache = TokenCache()
    cache.put("token", KEYS, CachedPrincipal(WHO, 100, 160))
    assert cache.get("token", KEYS, at) is found


def test_the_oldest_makes_room() -> None:
    cache = TokenCache()
    for number in range(CACHE_SIZE + 1):
        cache.put(f"token {number}", KEYS, CachedPrincipal(WHO, 0, 60))
    assert cache.get("token 0", KEYS, 1) is None
    assert cache.get("token 1", KEYS, 1) is WHO
    assert cache.get(f"token {CACHE_SIZE}", KEYS, 1) is WHO


def test_putting_one_again_makes_no_room() -> None:
    cache = TokenCache()
    for number in range(CACHE_SIZE):
        cache.put(f"token {number}", KEYS, CachedPrincipal(WHO, 0, 60))
    cache.put("token 1", KEYS, CachedPrincipal(WHO, 60, 120))
    assert cache.get("token 0", KEYS, 1) is WHO


def test_with_room_for_none_nothing_is_remembered() -> None:
    cache = TokenCache(0)
    cache.put("token", KEYS, CachedPrincipal(WHO, 0, 60))
    assert cache.get("token", KEYS, 1) is None


def test_nothing_counts_with_other_keys(jwks: list[dict[str, object]]) -> None:
    keys = select_keys(json.dumps({"keys": jwks}).encode()).keys
    cache = TokenCache()
    cache.put("token", KEYS, CachedPrincipal(WHO, 0, 60))
    assert cache.get("token", keys, 1) is None
    cache.put("another", keys, CachedPrincipal(WHO, 0, 60))
    assert cache.get("another", keys, 1) is WHO
    assert cache.get("token", keys, 1) is None
