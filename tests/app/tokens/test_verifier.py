import hmac
import json
import string
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.tokens.errors import MissingTokenError, UnauthorizedError, UnknownKeyError
from app.tokens.jwks import select_keys
from app.tokens.jwt import Header, decode_header
from app.tokens.local_key import LocalKey
from app.tokens.principal import ROLES, Principal
from app.tokens.verifier import (
    CACHE_SIZE,
    CachedPrincipal,
    TokenCache,
    TokenVerifier,
    candidate_keys,
    verify_with_any,
)
from domain.envelope import Actor

Json = dict[str, object]
Signer = Callable[[bytes], bytes]
Forge = Callable[[Json | bytes, Json | bytes, Signer], str]
Token = Callable[..., str]
Refusal = Callable[[str | None], str]

CANARY = Principal(
    Actor(sub="canary-sub", name="Canary Bird", email="canary@example.com"),
    "canary_ws-1",
    ROLES["ADMIN"],
    1_800_000_600.0,
)
SIGNATURE = "The token's signature is not by a key that we trust."
NO_JWT = "The token is not a JWT."
NO_ALGORITHM = "The token is not signed with EdDSA, ES256 or RS256."
NO_BEARER = "The request has no Authorization: Bearer header."
EXPIRED = "The token has expired."


# ----- What is let in -----
@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_token_of_each_algorithm_identifies_the_caller(
    verifier: TokenVerifier, token: Token, algorithm: str
) -> None:
    assert verifier.verify(f"Bearer {token(algorithm)}") == CANARY


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_is_read_as_http_says(
    verifier: TokenVerifier, token: Token, scheme: str
) -> None:
    assert verifier.verify(scheme + token()) == CANARY


def test_one_of_several_audiences_is_enough(verifier: TokenVerifier, token: Token) -> None:
    assert verifier.verify(f"Bearer {token(aud=['other', 'integrations'])}") == CANARY


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_token_without_kid_is_tried_with_the_keys_that_fit(
    verifier: TokenVerifier, forge: Forge, claims: Json, signers: dict[str, Signer], algorithm: str
) -> None:
    unnamed = forge({"alg": algorithm}, claims, signers[algorithm])
    assert verifier.verify(f"Bearer {unnamed}") == CANARY


@pytest.mark.parametrize("changes", [{"exp": -59.0}, {"nbf": 60.0}, {"iat": 60.0}])
def test_clocks_may_differ_by_a_minute(
    verifier: TokenVerifier, token: Token, now: list[float], changes: dict[str, float]
) -> None:
    shifted = {claim: now[0] + seconds for claim, seconds in changes.items()}
    assert verifier.verify(f"Bearer {token(**shifted)}").actor == CANARY.actor


# ----- Names of algorithms and types -----
@pytest.mark.parametrize("of_key", ["EdDSA", "Ed25519", None])
@pytest.mark.parametrize("of_token", ["EdDSA", "Ed25519"])
def test_ed25519_has_two_names(
    jwks: list[Json], forge: Forge, signers: dict[str, Signer], of_key: str | None, of_token: str
) -> None:
    """pyjwt#1190: RFC 9864 names EdDSA with this curve Ed25519."""
    keys = select_keys(json.dumps({"keys": [{**jwks[0], "alg": of_key}]}).encode()).keys
    token = forge({"alg": of_token, "kid": "EdDSA"}, {}, signers["EdDSA"])
    assert verify_with_any(token, candidate_keys(decode_header(token), keys)) == b"{}"


def test_a_token_by_the_other_name_of_ed25519_is_taken(
    verifier: TokenVerifier, forge: Forge, claims: Json, signers: dict[str, Signer]
) -> None:
    token = forge({"alg": "Ed25519", "kid": "EdDSA"}, claims, signers["EdDSA"])
    assert verifier.verify(f"Bearer {token}") == CANARY


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"typ": None},
        *({"typ": typ} for typ in ("JWT", "jwt", "Jwt", "at+jwt", "AT+JWT", "application/at+jwt")),
        *({"typ": typ} for typ in ("application/jwt", "Application/AT+JWT")),
    ],
    ids=str,
)
def test_a_token_of_our_types_is_taken(
    verifier: TokenVerifier, forge: Forge, claims: Json, signers: dict[str, Signer], header: Json
) -> None:
    token = forge({"alg": "EdDSA", "kid": "EdDSA"} | header, claims, signers["EdDSA"])
    assert verifier.verify(f"Bearer {token}") == CANARY


@pytest.mark.parametrize(
    "typ",
    ["logout+jwt", "dpop+jwt", "JOSE", "", "jwt ", "at+jwt\n", "application/", "x/at+jwt", "ID"],
)
def test_a_token_of_another_type_is_refused(
    refusal: Refusal, forge: Forge, claims: Json, signers: dict[str, Signer], typ: str
) -> None:
    header: Json = {"alg": "EdDSA", "kid": "EdDSA", "typ": typ}
    assert refusal("Bearer " + forge(header, claims, signers["EdDSA"])) == (
        "The token's typ is neither JWT nor at+jwt."
    )


# ----- Why a token is refused, and of whom it is -----
REASONS: dict[str, tuple[Json, str]] = {
    "another issuer": ({"iss": "https://canary.test"}, "issuer"),
    "another audience": ({"aud": "canary"}, "audience"),
    "expired": ({"exp": 1}, "expired"),
    "without an end": ({"exp": None}, "no_expiry"),
    "not yet valid": ({"nbf": 1e12}, "not_yet_valid"),
    "issued in the future": ({"iat": 1e12}, "not_yet_valid"),
    "an end that is text": ({"exp": "1"}, "malformed"),
    "no workspace": ({"workspaceId": None}, "workspace"),
    "a malformed workspace": ({"workspaceId": "a b"}, "workspace"),
    "no permissions and no role": ({"role": None}, "permissions"),
    "an unknown role": ({"role": "OWNER"}, "permissions"),
    "permissions that are no list": ({"permissions": "all"}, "permissions"),
}


@pytest.mark.parametrize(("changes", "reason"), REASONS.values(), ids=REASONS)
def test_a_refusal_says_why_and_who_asked(
    verifier: TokenVerifier, token: Token, changes: Json, reason: str
) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        verifier.verify("Bearer " + token(**changes))
    assert (refused.value.reason, refused.value.subject) == (reason, "canary-sub")


@pytest.mark.parametrize("sub", [None, "", " ", 1, "a\nb", "a\u202eb", "a" * 256])
def test_a_subject_that_is_not_plain_is_the_reason_and_not_repeated(
    verifier: TokenVerifier, token: Token, sub: object
) -> None:
    for changes, reason in ({}, "subject"), ({"exp": 1}, "expired"):
        with pytest.raises(UnauthorizedError) as refused:
            verifier.verify("Bearer " + token(sub=sub, **changes))
        assert (refused.value.reason, refused.value.subject) == (reason, None)


UNPROVED: dict[str, tuple[Json, str]] = {
    "algorithm": ({"alg": "HS256"}, "algorithm"),
    "type": ({"typ": "logout+jwt"}, "type"),
    "crit": ({"crit": ["b64"]}, "critical_header"),
    "key": ({"kid": "another"}, "unknown_key"),
    "signature": ({"kid": "RS256"}, "signature"),
    "form": ({"kid": 1}, "malformed"),
}


@pytest.mark.parametrize(("header", "reason"), UNPROVED.values(), ids=UNPROVED)
def test_nobody_is_known_by_a_token_that_is_not_proved(  # noqa: PLR0913, PLR0917 — fixtures
    verifier: TokenVerifier,
    forge: Forge,
    claims: Json,
    signers: dict[str, Signer],
    header: Json,
    reason: str,
) -> None:
    token = forge({"alg": "EdDSA", "kid": "EdDSA"} | header, claims, signers["EdDSA"])
    with pytest.raises(UnauthorizedError) as refused:
        verifier.verify(f"Bearer {token}")
    assert (refused.value.reason, refused.value.subject) == (reason, None)


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "no_token"),
        ("Basic dTpw", "no_token"),
        ("Bearer ", "no_token"),
        ("Bearer a.b", "malformed"),
        ("Bearer " + "a" * 9000, "too_long"),
    ],
)
def test_a_missing_token_is_another_refusal_than_a_wrong_one(
    verifier: TokenVerifier, authorization: str | None, reason: str
) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        verifier.verify(authorization)
    assert refused.value.reason == reason
    assert isinstance(refused.value, MissingTokenError) is (reason == "no_token")


# ----- Attacks: the signature -----
def test_a_token_signed_by_a_stranger_is_refused(
    refusal: Refusal, forge: Forge, claims: Json
) -> None:
    stranger = ed25519.Ed25519PrivateKey.generate()
    assert refusal("Bearer " + forge({"alg": "EdDSA"}, claims, stranger.sign)) == SIGNATURE


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_changed_claims_or_signature_are_refused(
    refusal: Refusal, token: Token, algorithm: str
) -> None:
    header, payload, signature = token(algorithm).split(".")
    other = token(algorithm, workspaceId="canary_ws-2").split(".")[1]
    flipped = ("B" if signature[9] == "A" else "A").join((signature[:9], signature[10:]))
    assert refusal(f"Bearer {header}.{other}.{signature}") == SIGNATURE
    assert refusal(f"Bearer {header}.{payload}.{flipped}") == SIGNATURE
    assert refusal(f"Bearer {header}.{payload}.{signature[:-8]}") == SIGNATURE


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 1, ["EdDSA"]])
def test_an_unsigned_token_is_refused(
    refusal: Refusal, forge: Forge, claims: Json, alg: object
) -> None:
    unsigned = forge({"alg": alg, "kid": "EdDSA"}, claims, lambda _: b"")
    assert refusal("Bearer " + unsigned) == NO_JWT
    reason = NO_ALGORITHM if isinstance(alg, str) else NO_JWT
    assert refusal("Bearer " + unsigned + "AAAA") == reason


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "EdDSA", "RS256"])
def test_a_public_key_is_no_shared_secret(
    refusal: Refusal, forge: Forge, claims: Json, public_forms: list[bytes], alg: str
) -> None:
    digest = {"HS384": "sha384", "HS512": "sha512"}.get(alg, "sha256")
    for secret in public_forms:
        sign = partial(hmac.digest, secret, digest=digest)
        assert refusal("Bearer " + forge({"alg": alg, "kid": "EdDSA"}, claims, sign))
        assert refusal("Bearer " + forge({"alg": alg, "kid": "RS256"}, claims, sign))


def test_a_key_verifies_its_own_algorithm_only(
    refusal: Refusal, forge: Forge, claims: Json, signers: dict[str, Signer]
) -> None:
    for alg, kid in [("EdDSA", "RS256"), ("ES256", "EdDSA"), ("RS256", "ES256")]:
        assert refusal("Bearer " + forge({"alg": alg, "kid": kid}, claims, signers[alg]))


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "ES384", "ES256K", "Ed448", "eddsa"])
def test_other_algorithms_are_refused(
    refusal: Refusal, forge: Forge, claims: Json, signers: dict[str, Signer], alg: str
) -> None:
    assert refusal("Bearer " + forge({"alg": alg}, claims, signers["RS256"])) == NO_ALGORITHM


def test_a_key_in_the_header_is_not_trusted(
    refusal: Refusal, forge: Forge, claims: Json, tmp_path: Path
) -> None:
    stranger = ed25519.Ed25519PrivateKey.generate()
    raw = stranger.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = urlsafe_b64encode(raw).rstrip(b"=").decode()
    jwk: Json = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "EdDSA"}
    served = tmp_path / "stranger.json"
    served.write_text(json.dumps({"keys": [jwk]}))
    hints: list[Json] = [
        {"jwk": jwk},
        {"jku": served.as_uri()},
        {"x5u": served.as_uri()},
        {"x5c": [x]},
        {"jwk": jwk, "kid": str(served)},
        {"jwk": jwk, "kid": "../../dev/null"},
    ]
    for hint in hints:
        refusal("Bearer " + forge({"alg": "EdDSA", "kid": "EdDSA"} | hint, claims, stranger.sign))


def test_a_header_that_says_where_its_key_is_is_harmless_from_the_issuer(
    verifier: TokenVerifier, forge: Forge, claims: Json, signers: dict[str, Signer]
) -> None:
    header: Json = {"alg": "EdDSA", "kid": "EdDSA", "jku": "http://127.0.0.1:1/", "typ": "at+jwt"}
    assert verifier.verify("Bearer " + forge(header, claims, signers["EdDSA"])) == CANARY


@pytest.mark.parametrize("crit", [["b64"], ["exp"], [], None, "b64"])
def test_critical_extensions_are_refused(
    refusal: Refusal, forge: Forge, claims: Json, signers: dict[str, Signer], crit: object
) -> None:
    header: Json = {"alg": "EdDSA", "kid": "EdDSA", "crit": crit, "b64": True, "exp": 1}
    assert (
        refusal("Bearer " + forge(header, claims, signers["EdDSA"]))
        == "The token's header has crit."
    )


def test_an_unknown_kid_has_an_error_of_its_own(
    verifier: TokenVerifier, token_naming: Callable[[str], str]
) -> None:
    with pytest.raises(UnknownKeyError):
        verifier.verify("Bearer " + token_naming("another"))


def test_a_token_without_kid_is_tried_with_few_keys(jwks: list[Json]) -> None:
    unnamed = [{**key, "kid": None} for key in [jwks[0]] * 20 + [jwks[1]]]
    keys = select_keys(json.dumps({"keys": unnamed}).encode()).keys
    assert candidate_keys(Header(alg="EdDSA"), keys) == list(keys[:8])
    assert candidate_keys(Header(alg="ES256", kid="any"), keys) == [keys[20]]


# ----- Attacks: time, issuer, audience -----
def test_an_expired_token_is_refused(refusal: Refusal, token: Token, now: list[float]) -> None:
    assert refusal("Bearer " + token(exp=now[0] - 60)) == EXPIRED
    assert refusal("Bearer " + token(exp=0)) == EXPIRED


def test_a_token_without_end_is_refused(refusal: Refusal, token: Token) -> None:
    assert refusal("Bearer " + token(exp=None)) == "The token has no exp."


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_of_the_future_is_refused(
    refusal: Refusal, token: Token, now: list[float], claim: str
) -> None:
    assert refusal("Bearer " + token(**{claim: now[0] + 61})) == (
        f"The token is not valid yet ({claim})."
    )


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["9999999999", True, [9999999999], {}])
def test_a_time_that_is_no_number_is_refused(
    refusal: Refusal, token: Token, claim: str, value: object
) -> None:
    assert refusal("Bearer " + token(**{claim: value})) == f"The token's {claim} is not a number."


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
def test_a_time_beyond_all_numbers_is_far_in_the_future(
    refusal: Refusal, token: Token, verifier: TokenVerifier, claim: str
) -> None:
    far = "Bearer " + token(**{claim: 10**400})

    if claim == "exp":
        assert verifier.verify(far).workspace
    else:
        assert refusal(far) == f"The token is not valid yet ({claim})."


@pytest.mark.parametrize("iss", [None, "", "https://canary.test", ["https://issuer.test"], 1])
def test_another_issuer_is_refused(refusal: Refusal, token: Token, iss: object) -> None:
    assert refusal("Bearer " + token(iss=iss)) == "The token is of another issuer."


@pytest.mark.parametrize("aud", [None, "", "canary", [], ["canary"], {"integrations": 1}, 1])
def test_another_audience_is_refused(refusal: Refusal, token: Token, aud: object) -> None:
    assert refusal("Bearer " + token(aud=aud)) == "The token is for another audience."


# ----- Attacks: claims, form, size -----
def test_claims_are_looked_at(refusal: Refusal, token: Token) -> None:
    assert "workspaceId" in refusal("Bearer " + token(workspaceId=None))
    assert "role" in refusal("Bearer " + token(role="canary"))


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"1", b"null", b"\xff", b'{"exp":1e999}', b"{" * 3000, b'{"a":' + b"[" * 4500],
)
def test_a_signed_payload_that_is_no_object_is_refused(
    refusal: Refusal, forge: Forge, signers: dict[str, Signer], payload: bytes
) -> None:
    refusal("Bearer " + forge({"alg": "EdDSA", "kid": "EdDSA"}, payload, signers["EdDSA"]))


@pytest.mark.parametrize(
    "header",
    [b"", b"[]", b"null", b"\xff", b"canary", b'{"alg":', b'{"a":' * 900, b'{"a":' + b"[" * 5000],
)
def test_a_header_that_is_no_object_is_refused(
    refusal: Refusal, forge: Forge, claims: Json, signers: dict[str, Signer], header: bytes
) -> None:
    assert refusal("Bearer " + forge(header, claims, signers["EdDSA"]))


@pytest.mark.parametrize(
    "authorization",
    [None, "", " ", "Bearer", "Basic Y2FuYXJ5OmNhbmFyeQ==", "Bearers x", "Bearer\tx", "Token x"],
)
def test_another_scheme_is_refused(refusal: Refusal, authorization: str | None) -> None:
    assert refusal(authorization) == NO_BEARER


def test_a_bare_token_is_refused(refusal: Refusal, token: Token) -> None:
    assert refusal(token()) == NO_BEARER
    assert refusal(f"JWT {token()}") == NO_BEARER
    assert refusal(f"Bearer: {token()}") == NO_BEARER


@pytest.mark.parametrize(
    "garbage",
    [
        "canary-canary",
        ".",
        "..",
        "....",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "\x00",
        "é.é.é",
        "\ud800",
    ],
)
def test_garbage_is_refused(refusal: Refusal, garbage: str) -> None:
    assert refusal(f"Bearer {garbage}") == NO_JWT


def test_a_token_has_one_spelling(refusal: Refusal, token: Token) -> None:
    good = token()
    for spelled in (good + "=", good + "==", good + "\n", good.replace(".", ".=", 1), good + " x"):
        assert refusal(f"Bearer {spelled}") == NO_JWT


def test_a_truncated_token_is_refused(refusal: Refusal, token: Token) -> None:
    good = token()
    for length in range(len(good)):
        refusal(f"Bearer {good[:length]}")


def test_a_huge_token_is_refused_unread(refusal: Refusal, token: Token) -> None:
    assert refusal("Bearer " + token(padding="x" * 8192)) == "The token is longer than 8 KiB."
    began = time.perf_counter()
    assert refusal("Bearer " + "a" * 10_000_000) == "The token is longer than 8 KiB."
    assert time.perf_counter() - began < 1


# ----- The cache -----
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


# ----- Whatever is sent -----
LOCAL = LocalKey(ed25519.Ed25519PrivateKey.generate())
GOOD = LOCAL.issue(
    workspace="ws", subject="s", role="ADMIN", ttl=600, issuer="i", audience="a", now=1000
)
BASE64 = st.text(string.ascii_letters + string.digits + "-_", max_size=60)


def cut_and_pasted(place: int, length: int, pasted: str) -> str:
    return "Bearer " + GOOD[:place] + pasted + GOOD[place + length :]


AUTHORIZATION = st.one_of(
    st.none(),
    st.text(),
    st.text().map("Bearer ".__add__),
    st.tuples(BASE64, BASE64, BASE64).map(lambda parts: "Bearer " + ".".join(parts)),
    st.builds(cut_and_pasted, st.integers(0, len(GOOD)), st.integers(0, 50), st.text() | BASE64),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(["EdDSA", LOCAL.kid]),
        lambda inner: st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "x"]), inner),
    ).map(
        lambda header: (
            "Bearer "
            + urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
            + GOOD[GOOD.index(".") :]
        )
    ),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(AUTHORIZATION)
def test_whatever_is_sent_is_refused_or_is_the_good_token(authorization: str | None) -> None:
    verifier = TokenVerifier(LOCAL, "i", "a", clock=lambda: 1000.0)
    try:
        verifier.verify(authorization)
    except UnauthorizedError:
        return
    assert authorization is not None
    assert authorization.removeprefix("Bearer ").strip(" ") == GOOD


# ----- The cache of verified tokens -----
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
