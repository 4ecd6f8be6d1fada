"""Opening a lease: each thing that docs/workers.md asks a client to check is checked."""

import json
import string
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from integrations_client import InvalidLeaseError, Lease
from integrations_client.held import HeldLeases
from integrations_client.keys import PinnedKeys, WorkerKey, base64url, from_base64url
from integrations_client.opening import AUDIENCE, SUITE_NAME, Opener, Target
from jwt import PyJWS

from app.secrets.lease import lease_info, seal_for
from app.secrets.secret import Secret

SERVICE = Ed25519PrivateKey.generate()
STRANGER = Ed25519PrivateKey.generate()
WORKER = WorkerKey(X25519PrivateKey.generate())
OTHER_WORKER = WorkerKey(X25519PrivateKey.generate())
PUBLIC = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": base64url(SERVICE.public_key().public_bytes_raw()),
}
OPENER = Opener(WORKER, PinnedKeys(PUBLIC))
[KID] = PinnedKeys(PUBLIC)._keys  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
CONTENT = {"type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.example"}
TARGET = ("integration", "int_1")


def sealed(
    content: object = CONTENT,
    *,
    workspace: str = "demo",
    integration: str = "int_1",
    version: int = 7,
    worker: WorkerKey = WORKER,
) -> str:
    """Seal as the service does, by its own code."""
    info = lease_info(workspace, integration, version, worker.thumbprint)
    public = worker.private.public_key().public_bytes_raw()
    return base64url(seal_for(public, Secret(json.dumps(content).encode()), info))


def claims(**changes: object) -> dict[str, object]:
    now = int(time())
    return {
        "aud": AUDIENCE + WORKER.thumbprint,
        "iat": now,
        "exp": now + 300,
        "workspaceId": "demo",
        "integrationId": "int_1",
        "version": 7,
        "credentials": [{"field": "apiKey", "version": 2}],
        "suite": SUITE_NAME,
        "sealed": sealed(),
        **changes,
    }


def signed(
    given_claims: object, header: dict[str, object] | None = None, key: Any = SERVICE
) -> str:
    headers: dict[str, object] = {"typ": "lease+jwt", "kid": KID, **(header or {})}
    headers = {name: value for name, value in headers.items() if value is not None}
    algorithm = str(headers.pop("alg", "EdDSA"))
    payload = json.dumps(given_claims).encode()
    return PyJWS().encode(payload, key, algorithm=algorithm, headers=headers)


def open_lease(token: str, target: Any = TARGET, waited: float = 0.0) -> Lease:
    return OPENER.open(token, target, waited=waited)


def test_a_right_lease_opens() -> None:
    lease = open_lease(signed(claims()))

    assert (lease.integration_id, lease.version, lease.credentials) == ("int_1", 7, {"apiKey": 2})
    assert lease.api_key is not None
    assert lease.api_key.reveal() == "SG.example"


def test_a_lease_by_channel_opens() -> None:
    assert open_lease(signed(claims()), ("channel", "EMAIL")).integration_id == "int_1"


WRONG: dict[str, Callable[[], str]] = {
    "by a stranger's key": lambda: signed(claims(), key=STRANGER),
    "by a stranger who names his key": lambda: signed(claims(), {"kid": "his"}, STRANGER),
    "without kid": lambda: signed(claims(), {"kid": None}),
    "with the stranger's key in its header": lambda: signed(
        claims(), {"jwk": {"kty": "OKP"}}, STRANGER
    ),
    "alg none": lambda: signed(claims(), {"alg": "none"}, None),
    "HS256 with the public key": lambda: signed(
        claims(), {"alg": "HS256"}, SERVICE.public_key().public_bytes_raw()
    ),
    "an access token": lambda: signed(claims(), {"typ": "JWT"}),
    "an extension": lambda: signed(claims(), {"crit": ["b64"], "b64": True}),
    "for another worker": lambda: signed(claims(aud=AUDIENCE + OTHER_WORKER.thumbprint)),
    "for several": lambda: signed(claims(aud=[AUDIENCE + WORKER.thumbprint, "x"])),
    "over": lambda: signed(claims(iat=int(time()) - 301, exp=int(time()) - 1)),
    "without end": lambda: signed({k: v for k, v in claims().items() if k != "exp"}),
    "an end in words": lambda: signed(claims(exp="tomorrow")),
    "a version that is no number": lambda: signed(claims(version=True)),
    "a negative version": lambda: signed(claims(version=-1)),
    "of another integration": lambda: signed(claims(integrationId="int_2")),
    "of another suite": lambda: signed(claims(suite="HPKE-0020-0001-0001")),
    "sealed to another worker": lambda: signed(claims(sealed=sealed(worker=OTHER_WORKER))),
    "sealed for another integration": lambda: signed(claims(sealed=sealed(integration="int_2"))),
    "sealed for another workspace": lambda: signed(claims(sealed=sealed(workspace="other"))),
    "sealed for another version": lambda: signed(claims(sealed=sealed(version=6))),
    "cut off": lambda: signed(claims(sealed=sealed()[:-8])),
    "shorter than a key": lambda: signed(claims(sealed="AAAA")),
    "sealed in standard base64": lambda: signed(claims(sealed=sealed() + "==")),
    "content that is no object": lambda: signed(claims(sealed=sealed(["x"]))),
    "claims that are no object": lambda: signed(["x"]),
    "no JWS": lambda: "x",
    "nothing": lambda: "",
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_lease_is_refused(wrong: Callable[[], str]) -> None:
    with pytest.raises(InvalidLeaseError) as raised:
        open_lease(wrong())

    assert "SG.example" not in str(raised.value)


def test_a_lease_of_another_channel_is_refused() -> None:
    with pytest.raises(InvalidLeaseError, match="channel"):
        open_lease(signed(claims()), ("channel", "SMS"))


RIGHT = signed(claims())


@pytest.mark.parametrize("spare", range(1, 16))
def test_a_signature_has_one_spelling(spare: int) -> None:
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    last = alphabet[alphabet.index(RIGHT[-1]) | spare]  # bits that belong to no byte

    with pytest.raises(InvalidLeaseError):
        open_lease(RIGHT[:-1] + last)


@given(st.integers(0, len(RIGHT) - 1), st.characters(codec="ascii"))
def test_no_changed_character_passes(place: int, character: str) -> None:
    changed = RIGHT[:place] + character + RIGHT[place + 1 :]
    if changed != RIGHT:
        with pytest.raises(InvalidLeaseError):
            open_lease(changed)


@given(st.integers(0, len(RIGHT)), st.characters(codec="ascii"))
def test_no_additional_character_passes(place: int, character: str) -> None:
    with pytest.raises(InvalidLeaseError):
        open_lease(RIGHT[:place] + character + RIGHT[place:])


@pytest.mark.parametrize(
    ("clock", "waited", "longest"),
    [(0, 0, 300), (100, 0, 200), (-3600, 0, 300), (0, 20, 280)],
    ids=["right", "fast", "slow", "a slow answer"],
)
def test_no_clock_makes_a_lease_longer(clock: int, waited: int, longest: int) -> None:
    issued = int(time()) - clock  # a fast clock here sees what was issued long ago
    lease = open_lease(signed(claims(iat=issued, exp=issued + 300)), waited=waited)

    assert longest - 2 <= lease.term.end - time() <= longest


# ----- The vectors for clients in any language -----
VECTORS = json.loads((Path(__file__).parents[3] / "tests/contract/leases.json").read_text())
VECTOR_KEY = X25519PrivateKey.from_private_bytes(from_base64url(VECTORS["privateKey"]["d"]))
VECTOR_OPENER = Opener(WorkerKey(VECTOR_KEY), PinnedKeys(VECTORS["leaseKey"]))


def hold(vector: dict[str, Any]) -> Lease:
    """Open and hold the lease of *vector*, as the client does."""
    held = HeldLeases()
    target: Target = ("integration", vector["integrationId"])
    held.see(vector["integrationId"], vector.get("seenVersion", 0))
    lease = VECTOR_OPENER.open(vector["lease"], target, waited=0)
    if not held.put(target, lease, 0):
        raise InvalidLeaseError("overtaken")  # noqa: EM101
    return lease


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: vector["name"])
def test_an_accepted_vector_opens(vector: dict[str, Any]) -> None:
    lease, content = hold(vector), vector["content"]

    assert lease.version == vector["version"]
    assert (lease.type, lease.channel) == (content["type"], content["channel"])
    assert (lease.sender_email, lease.sender_name) == (
        content["senderEmail"],
        content["senderName"],
    )
    assert (lease.base_url, lease.settings) == (content.get("baseUrl"), content.get("settings", {}))
    secrets = (lease.api_key, lease.api_secret, lease.vapid_private_key)
    named = [content.get(name) for name in ("apiKey", "apiSecret", "vapidPrivateKey")]
    assert [secret and secret.reveal() for secret in secrets] == named


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["reason"])
def test_a_refused_vector_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(InvalidLeaseError):
        hold(vector)
