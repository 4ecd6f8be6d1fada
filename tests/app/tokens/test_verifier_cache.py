import json

import pytest

from app.tokens.jwks import usable_keys
from app.tokens.principal import Principal
from app.tokens.verifier import CAPACITY, Entry, TokenCache
from domain.envelope import Actor

WHO = Principal(Actor(sub="u"), "ws", frozenset())
KEYS = ()


@pytest.mark.parametrize(("at", "found"), [(99, None), (100, WHO), (159, WHO), (160, None)])
def test_an_entry_counts_from_when_to_when_it_says(at: float, found: Principal | None) -> None:
    cache = TokenCache()
    cache.put("token", KEYS, Entry(WHO, 100, 160))
    assert cache.get("token", KEYS, at) is found


def test_the_oldest_makes_room() -> None:
    cache = TokenCache()
    for number in range(CAPACITY + 1):
        cache.put(f"token {number}", KEYS, Entry(WHO, 0, 60))
    assert cache.get("token 0", KEYS, 1) is None
    assert cache.get("token 1", KEYS, 1) is WHO
    assert cache.get(f"token {CAPACITY}", KEYS, 1) is WHO


def test_putting_one_again_makes_no_room() -> None:
    cache = TokenCache()
    for number in range(CAPACITY):
        cache.put(f"token {number}", KEYS, Entry(WHO, 0, 60))
    cache.put("token 1", KEYS, Entry(WHO, 60, 120))
    assert cache.get("token 0", KEYS, 1) is WHO


def test_with_room_for_none_nothing_is_remembered() -> None:
    cache = TokenCache(0)
    cache.put("token", KEYS, Entry(WHO, 0, 60))
    assert cache.get("token", KEYS, 1) is None


def test_nothing_counts_with_other_keys(jwks: list[dict[str, object]]) -> None:
    keys = usable_keys(json.dumps({"keys": jwks}).encode()).keys
    cache = TokenCache()
    cache.put("token", KEYS, Entry(WHO, 0, 60))
    assert cache.get("token", keys, 1) is None
    cache.put("another", keys, Entry(WHO, 0, 60))
    assert cache.get("another", keys, 1) is WHO
    assert cache.get("token", keys, 1) is None
