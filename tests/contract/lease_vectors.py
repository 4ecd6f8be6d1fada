"""Makes leases.json: leases for clients in any language to open, and to refuse.

`python -m tests.contract.lease_vectors > tests/contract/leases.json`: the same bytes each time.
"""

import hmac
import json
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import to_builtins

from app.access.leasing import AUDIENCE
from app.secrets.lease import SUITE_NAME, lease_info
from app.secrets.lease_key import LeaseKey
from app.tokens.jwt import base64url
from app.tokens.thumbprint import thumbprint
from tests.support.hpke import AES_128_GCM, LOW_ORDER, seal, seal_by_low_order

Json = dict[str, Any]
Case = tuple[str, str]  # why it is refused, the lease
ABOUT = (
    "Leases to open (accepted: with their content, and the HPKE info in hexadecimal) and leases to"
    " refuse (refused: with the reason). The worker has privateKey and thumbprint, has pinned"
    " leaseKey, asks for integrationId, and has seen seenVersion of it if that is given. The keys"
    " are those of RFC 7748, 6.1, and RFC 8032, 7.1: everybody knows them, so they are for tests"
    " alone."
)
WORKER = X25519PrivateKey.from_private_bytes(  # RFC 7748, 6.1: Alice
    bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
)
OTHER_WORKER = X25519PrivateKey.from_private_bytes(  # RFC 7748, 6.1: Bob
    bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
)
SIGNER = Ed25519PrivateKey.from_private_bytes(  # RFC 8032, 7.1: test 1
    bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
)
STRANGER = Ed25519PrivateKey.from_private_bytes(  # RFC 8032, 7.1: test 2
    bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
)
KEY = LeaseKey(SIGNER)
PUBLIC, OTHER_PUBLIC = (key.public_key().public_bytes_raw() for key in (WORKER, OTHER_WORKER))
MARK = thumbprint("X25519", PUBLIC)
ISSUED, EXPIRES = 1_735_689_600, 4_102_444_800  # 2025-01-01, 2100-01-01
INTEGRATION = "int_01m84sn0f6e788c7myrj1n317m"
OTHER_INTEGRATION = "int_01m84sn0f6e788c7myrj1n317n"
SECRETS = ("apiKey", "apiSecret", "vapidPrivateKey")
NOTHING = {"senderEmail": None, "senderName": None, "senderPhone": None, "vapidPublicKey": None}
MAIL: Json = {
    "type": "SENDGRID", "channel": "EMAIL", **NOTHING, "senderEmail": "noreply@example.com",
    "senderName": "Example Brand", "apiKey": "SG.a-test-key",
}  # fmt: skip
SMS: Json = {
    "type": "TWILIO", "channel": "SMS", **NOTHING, "senderPhone": "+15551234567",
    "settings": {"accountSid": "AC" + "0" * 32, "region": "IE1"},
    "baseUrl": "https://api.dublin.ie1.twilio.com",
    "apiKey": "SK" + "1" * 32, "apiSecret": "a-test-secret",
}  # fmt: skip
PUSH: Json = {
    "type": "WEB_PUSH", "channel": "PUSH", **NOTHING, "vapidPublicKey": "B" + "c" * 86,
    "settings": {"contact": "mailto:push@example.com"}, "vapidPrivateKey": "d" * 43,
}  # fmt: skip
ACCEPTED = (
    ("mail", MAIL, 1),
    ("a name of four scripts and the longest key", {
        **MAIL, "senderName": "Éxämple 品牌 مثال 🛰", "settings": {"region": "EU"},
        "baseUrl": "https://api.eu.sendgrid.com", "apiKey": "k" * 8_192,
    }, 7),
    ("SMS with two secrets, of a version that needs more than 32 bits", SMS, 2**32 + 5),
    ("push, of the largest whole number that all JSON readers keep", PUSH, 2**53 - 1),
    ("without a secret", {"type": "SENDGRID", "channel": "EMAIL", **NOTHING}, 1),
)  # fmt: skip


def main() -> None:
    """Print the file."""
    worker = {"kty": "OKP", "crv": "X25519", "x": base64url(PUBLIC)}
    vectors = {
        "about": ABOUT,
        "privateKey": {**worker, "d": base64url(WORKER.private_bytes_raw())},
        "thumbprint": MARK,
        "leaseKey": to_builtins(KEY.public),
        "accepted": [*accepted()],
        "refused": [*refused()],
    }
    sys.stdout.write(json.dumps(vectors, indent=1, ensure_ascii=False) + "\n")


def dump(value: object) -> bytes:
    """Return *value* as JSON without spaces, as the service writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def info(integration: str = INTEGRATION, version: int = 7, mark: str = MARK) -> bytes:
    """Return what a lease is bound to."""
    return lease_info("demo", integration, version, mark)


def sealed(content: Json, bound: bytes, to: bytes = PUBLIC, **more: Any) -> bytes:
    """Return *content*, sealed to the worker; the ephemeral key follows from what is sealed."""
    text = dump(content)
    return seal(to, text, bound, ephemeral=sha256(text + bound + to).digest(), **more)


def claims(content: bytes, **changes: Any) -> Json:
    """Return the claims of a lease with the sealed *content*."""
    return {
        "iss": "integrations", "sub": "worker-1", "aud": AUDIENCE + MARK, "iat": ISSUED,
        "exp": EXPIRES, "jti": "request-1", "workspaceId": "demo", "integrationId": INTEGRATION,
        "version": 7, "credentials": [{"field": "apiKey", "version": 2}], "suite": SUITE_NAME,
        "sealed": base64url(content), **changes,
    }  # fmt: skip


def accepted() -> Iterator[Json]:
    """Yield leases that the worker opens."""
    for name, content, version in ACCEPTED:
        bound = info(version=version)
        held = [{"field": field, "version": 2} for field in SECRETS if field in content]
        said = claims(sealed(content, bound), version=version, credentials=held)
        yield {
            "name": name, "integrationId": INTEGRATION, "version": version, "info": bound.hex(),
            "content": content, "lease": KEY.sign(said),
        }  # fmt: skip


def refused() -> Iterator[Json]:
    """Yield leases that the worker refuses, each for one reason."""
    good = claims(sealed(MAIL, info()))
    wrong = [(reason, KEY.sign(said)) for reason, said in (*wrongly_said(good), *unopenable())]
    for reason, lease in (*wrongly_signed(good), *wrong, *cut_and_changed(KEY.sign(good))):
        yield {"reason": reason, "integrationId": INTEGRATION, "lease": lease}
    yield {
        "reason": "it is older than what the worker has seen", "integrationId": INTEGRATION,
        "seenVersion": 8, "lease": KEY.sign(good),
    }  # fmt: skip


def compact(said: Json, sign: Callable[[bytes], bytes], **header: Any) -> str:
    """Return a compact JWS with *header*, which is that of a lease unless it says otherwise."""
    head = {"alg": "EdDSA", "typ": "lease+jwt", "kid": KEY.public.kid, **header}
    text = f"{base64url(dump(head))}.{base64url(dump(said))}"
    return f"{text}.{base64url(sign(text.encode()))}"


def wrongly_signed(good: Json) -> Iterator[Case]:
    """Yield leases whose header or signature is not that of a lease."""
    public = SIGNER.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    theirs = LeaseKey(STRANGER).public
    yield "wrong signature: a stranger's", compact(good, STRANGER.sign)
    yield (
        "wrong signature: by the key that is sent along",
        compact(good, STRANGER.sign, kid=theirs.kid, jwk=to_builtins(theirs)),
    )
    yield "alg none", compact(good, lambda _: b"", alg="none")
    for name, shared in (
        ("bytes", public.public_bytes_raw()), ("PEM", pem), ("x", KEY.public.x.encode()),
    ):  # fmt: skip
        yield (
            f"HS256 with the {name} of the public key",
            compact(
                good, lambda text, shared=shared: hmac.digest(shared, text, "sha256"), alg="HS256"
            ),
        )
    yield "an access token: typ JWT", compact(good, SIGNER.sign, typ="JWT")
    yield "an access token: typ at+jwt", compact(good, SIGNER.sign, typ="at+jwt")
    yield "an extension that nobody knows", compact(good, SIGNER.sign, crit=["x"], x=1)


def wrongly_said(good: Json) -> Iterator[tuple[str, Json]]:
    """Yield claims that are not for the worker, or not now, or not of what it asked for."""
    other = thumbprint("X25519", OTHER_PUBLIC)
    to_other = sealed(MAIL, info(mark=other), OTHER_PUBLIC)
    of_other = sealed(MAIL, info(integration=OTHER_INTEGRATION))
    yield "other recipient", claims(to_other, aud=AUDIENCE + other)
    yield "other recipient, by aud alone", {**good, "aud": "integrations"}
    yield "expired", {**good, "exp": ISSUED + 300}
    yield "without exp", {name: value for name, value in good.items() if name != "exp"}
    yield "other integration", claims(of_other, integrationId=OTHER_INTEGRATION)


def unopenable() -> Iterator[tuple[str, Json]]:
    """Yield claims whose content does not open; all are signed, so that opening has to refuse."""
    good, bound = sealed(MAIL, info()), info()
    yield "changed version", claims(good, version=8)
    yield "changed workspace", claims(good, workspaceId="demo2")
    yield (
        "content of another integration",
        claims(sealed(MAIL, info(integration=OTHER_INTEGRATION))),
    )
    yield "content for another recipient", claims(sealed(MAIL, bound, OTHER_PUBLIC))
    short = sealed(MAIL, bound, aead=AES_128_GCM)
    yield "another suite", claims(short, suite="HPKE-0020-0001-0001")
    yield "truncated content: nothing", claims(b"")
    yield "truncated content: the encapsulated key alone", claims(good[:32])
    yield "truncated content: a byte", claims(good[:-1])
    for place, name in ((0, "key"), (31, "key, the bit that X25519 ignores"), (32, "ciphertext"),
                        (len(good) - 1, "tag")):  # fmt: skip
        flipped = bytearray(good)
        flipped[place] ^= 0x80
        yield f"flipped bit in the {name}", claims(bytes(flipped))
    for number, point in enumerate(LOW_ORDER, 1):
        known = seal_by_low_order(PUBLIC, dump(MAIL), bound, point)
        yield f"low-order encapsulated key {number}", claims(known)


def cut_and_changed(lease: str) -> Iterator[Case]:
    """Yield what is left of *lease* when it was cut, or one character of it changed."""
    head, said, signature = lease.split(".")
    changed = said[:99] + ("A" if said[99] != "A" else "B") + said[100:]
    yield "truncated: the signature", f"{head}.{said}."
    yield "truncated: in the middle", lease[: len(lease) // 2]
    yield "nothing", ""
    yield "flipped bit in the claims", f"{head}.{changed}.{signature}"
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    yield "flipped bit in the signature", f"{head}.{said}.{flipped}"


if __name__ == "__main__":
    main()
