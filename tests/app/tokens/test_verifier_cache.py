import json

import pytest

from app.tokens.jwks import select_keys
from app.tokens.principal import Principal
from app.tokens.verifier import CACHE_SIZE, CachedPrincipal, TokenCache
from domain.envelope import Actor

WHO = Principal(Actor(sub="u"), "ws", frozenset())
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
