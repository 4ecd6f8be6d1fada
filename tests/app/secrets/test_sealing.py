"""Sealing, against bytes made by hand and against everything that can be changed in a row."""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import NoReturn

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from app.secrets.errors import DecryptionError, UnknownKekError, UnsealError
from app.secrets.keyring import WrappedKey
from app.secrets.keyring_file import FileKeyring, Kek, new_kek
from app.secrets.sealing import SealedSecret, compute_mac, seal, secret_aad, unseal
from app.secrets.secret import Secret
from domain.integration import SecretField

CANARY = b"canary-4f1c-\xff\x00"
short = settings(max_examples=60)

# ----- One row with keys and nonces of known bytes -----
KEK_ID, KEK, DEK = "kek-1-00c0ffee", bytes(range(32)), bytes(range(32, 64))
NONCE, WRAPPING_NONCE = bytes(range(12)), bytes(range(12, 24))
KNOWN = SealedSecret(
    workspace="demo",
    stream="int_01",
    field="apiKey",
    version=1,
    kek=KEK_ID,
    wrapped_key=bytes.fromhex(
        "0c0d0e0f1011121314151617"
        "b8df4bfb5b53da741f0362febda608c86532dfddc2480d9da39bc0dbd89dfec534e135d42ef75d21"
        "f5da77376bdab988"
    ),
    nonce=NONCE,
    ciphertext=bytes.fromhex("0f1573c23254869cd09cc6fc082deb8b3320753562ca2b7069e6"),
)
KNOWN_AAD = (
    b"\0\0\0\0\0\0\0\x16integrations/secret/v1"
    b"\0\0\0\0\0\0\0\x04demo"
    b"\0\0\0\0\0\0\0\x06int_01"
    b"\0\0\0\0\0\0\0\x06apiKey"
    b"\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x01"
)
KNOWN_WRAPPING_AAD = (
    b"\0\0\0\0\0\0\0\x1bintegrations/wrapped-key/v1"
    b"\0\0\0\0\0\0\0\x0ekek-1-00c0ffee"
    b"\0\0\0\0\0\0\0\x56" + KNOWN_AAD
)


def keyring_of(*keks: Kek) -> FileKeyring:
    return FileKeyring(keks)


def known_kek() -> Kek:
    return replace(new_kek(epoch=1), id=KEK_ID, key=Secret(KEK))


async def sealed_canary(
    keyring: FileKeyring, field: SecretField = "apiKey", version: int = 1
) -> SealedSecret:
    return await seal(
        keyring,
        workspace="demo",
        stream="int_01",
        field=field,
        version=version,
        secret=Secret(CANARY),
    )


def test_the_known_row_is_what_aes_gcm_makes_of_the_documented_bytes() -> None:
    wrapped = AESGCM(KEK).encrypt(WRAPPING_NONCE, DEK, KNOWN_WRAPPING_AAD)
    assert KNOWN.wrapped_key == WRAPPING_NONCE + wrapped
    assert KNOWN.ciphertext == AESGCM(DEK).encrypt(NONCE, b"SG.example", KNOWN_AAD)


async def test_the_known_row_opens_for_ever() -> None:
    assert (await unseal(keyring_of(known_kek()), KNOWN)).reveal() == b"SG.example"


async def test_what_is_sealed_opens_by_hand_with_the_documented_bytes() -> None:
    sealed = await sealed_canary(keyring_of(known_kek()))
    wrapping_nonce, wrapped = sealed.wrapped_key[:12], sealed.wrapped_key[12:]
    dek = AESGCM(KEK).decrypt(wrapping_nonce, wrapped, KNOWN_WRAPPING_AAD)
    assert len(dek) == 32
    assert AESGCM(dek).decrypt(sealed.nonce, sealed.ciphertext, KNOWN_AAD) == CANARY


def test_the_credential_commits_to_place_nonce_and_ciphertext() -> None:
    credential = KNOWN.credential
    by_hand = sha256(
        b"\0\0\0\0\0\0\0\x56" + KNOWN_AAD
        + b"\0\0\0\0\0\0\0\x0c" + NONCE
        + b"\0\0\0\0\0\0\0\x1a" + KNOWN.ciphertext
    )  # fmt: skip
    assert (credential.field, credential.version, credential.kek) == ("apiKey", 1, KEK_ID)
    assert credential.commitment == by_hand.hexdigest()
    assert credential.commitment == (
        "b8d27bf0535be2cafb3d53b477ce13b14b7159a11a05091c7e0790d3f4927f6b"
    )


# ----- Round trip -----
@short
@given(secret=st.binary(max_size=9000), workspace=st.text(), stream=st.text())
async def test_what_was_sealed_is_unsealed(
    keyring: FileKeyring, secret: bytes, workspace: str, stream: str
) -> None:
    sealed = await seal(
        keyring,
        workspace=workspace,
        stream=stream,
        field="apiSecret",
        version=7,
        secret=Secret(secret),
    )
    assert await unseal(keyring, sealed) == Secret(secret)
    assert sealed.kek == keyring.current


async def test_nothing_repeats_when_the_same_is_sealed_twice(keyring: FileKeyring) -> None:
    rows = [await sealed_canary(keyring) for _ in range(200)]
    assert len({row.nonce for row in rows}) == 200
    assert len({row.ciphertext for row in rows}) == 200
    assert len({row.wrapped_key[:12] for row in rows}) == 200
    assert len({row.wrapped_key for row in rows}) == 200


async def test_every_row_has_a_key_of_its_own() -> None:
    keyring = keyring_of(known_kek())
    rows = [await sealed_canary(keyring) for _ in range(50)]
    keys = {
        (await keyring.unwrap(WrappedKey(kek=row.kek, wrapped=row.wrapped_key), row.aad)).reveal()
        for row in rows
    }
    assert len(keys) == 50


async def test_wrapping_under_a_new_kek_changes_neither_ciphertext_nor_commitment() -> None:
    old, new = known_kek(), new_kek(epoch=2)
    both = keyring_of(replace(old, state="retired"), new)
    key = await both.unwrap(WrappedKey(kek=KNOWN.kek, wrapped=KNOWN.wrapped_key), KNOWN.aad)
    rewrapped = await both.wrap(key, KNOWN.aad)
    row = replace(KNOWN, kek=rewrapped.kek, wrapped_key=rewrapped.wrapped)
    assert row.kek == new.id
    assert row.credential.commitment == KNOWN.credential.commitment
    assert (await unseal(keyring_of(new), row)).reveal() == b"SG.example"


# ----- What is bound -----
places = st.tuples(
    st.text("ab\0", max_size=3),
    st.text("ab\0", max_size=3),
    st.text("ab\0", max_size=3),
    st.integers(0, 2**63 - 1),
)


@settings(max_examples=500)
@given(one=places, other=places)
def test_two_places_never_have_the_same_aad(
    one: tuple[str, str, str, int], other: tuple[str, str, str, int]
) -> None:
    assert (secret_aad(*one) == secret_aad(*other)) == (one == other)


@pytest.mark.parametrize(
    "moved",
    [
        {"workspace": "demo2"},
        {"stream": "int_02"},
        {"field": "apiSecret"},
        {"version": 2},
        {"workspace": "dem", "stream": "oint_01"},
    ],
)
async def test_a_row_moved_elsewhere_does_not_open_and_is_named(
    keyring: FileKeyring, moved: dict[str, str | int]
) -> None:
    row = replace(await sealed_canary(keyring), **moved)
    with pytest.raises(UnsealError) as failure:
        await unseal(keyring, row)
    assert isinstance(failure.value.__cause__, DecryptionError)
    assert asdict(row).items() >= vars(failure.value).items()
    assert str(failure.value) == (
        f"{row.field} (version {row.version}) of integration {row.stream} in workspace "
        f"{row.workspace} cannot be opened. The stored bytes were changed, or belong elsewhere."
    )


@short
@given(data=st.data())
async def test_no_bit_of_a_row_can_be_flipped(keyring: FileKeyring, data: st.DataObject) -> None:
    row = await sealed_canary(keyring)
    column = data.draw(st.sampled_from(["wrapped_key", "nonce", "ciphertext"]))
    flipped = bytearray(asdict(row)[column])
    bit = data.draw(st.integers(0, len(flipped) * 8 - 1))
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(UnsealError):
        await unseal(keyring, replace(row, **{column: bytes(flipped)}))


@short
@given(data=st.data())
async def test_no_column_can_be_cut_or_lengthened(
    keyring: FileKeyring, data: st.DataObject
) -> None:
    row = await sealed_canary(keyring)
    column = data.draw(st.sampled_from(["wrapped_key", "nonce", "ciphertext"]))
    content: bytes = asdict(row)[column]
    shorter = st.integers(0, len(content) - 1).map(lambda length: content[:length])
    longer = st.binary(min_size=1, max_size=20).map(lambda more: content + more)
    with pytest.raises(UnsealError):
        await unseal(keyring, replace(row, **{column: data.draw(shorter | longer)}))


@pytest.mark.parametrize(
    "columns",
    [
        ["wrapped_key"],
        ["nonce"],
        ["ciphertext"],
        ["nonce", "ciphertext"],
        ["wrapped_key", "nonce", "ciphertext"],
    ],
)
async def test_rows_cannot_swap_their_bytes(keyring: FileKeyring, columns: list[str]) -> None:
    row, other = await sealed_canary(keyring), await sealed_canary(keyring, version=2)
    taken = {column: asdict(other)[column] for column in columns}
    with pytest.raises(UnsealError):
        await unseal(keyring, replace(row, **taken))


async def test_another_kek_of_the_keyring_does_not_open_it() -> None:
    old, new = known_kek(), new_kek(epoch=2)
    both = keyring_of(replace(old, state="retired"), new)
    with pytest.raises(UnsealError) as failure:
        await unseal(both, replace(KNOWN, kek=new.id))
    assert isinstance(failure.value.__cause__, DecryptionError)


async def test_the_same_kek_under_another_id_does_not_open_it() -> None:
    renamed = replace(known_kek(), id="kek-2-00c0ffee")
    with pytest.raises(UnsealError):
        await unseal(keyring_of(renamed), replace(KNOWN, kek=renamed.id))


async def test_an_unknown_kek_is_named_with_the_row(keyring: FileKeyring) -> None:
    with pytest.raises(UnsealError) as failure:
        await unseal(keyring, KNOWN)
    assert isinstance(failure.value.__cause__, UnknownKekError)
    assert failure.value.__cause__.kek == KEK_ID
    assert str(failure.value) == (
        "apiKey (version 1) of integration int_01 in workspace demo cannot be opened. "
        "The key kek-1-00c0ffee is not in the keyring."
    )


async def test_a_wrapped_key_is_no_secret_and_a_secret_is_no_wrapped_key() -> None:
    keyring = keyring_of(known_kek())
    under_the_kek = AESGCM(KEK).encrypt(NONCE, DEK, KNOWN_AAD)
    with pytest.raises(DecryptionError):
        await keyring.unwrap(WrappedKey(kek=KEK_ID, wrapped=NONCE + under_the_kek), KNOWN_AAD)


# ----- What is shown -----
async def test_a_sealed_secret_prints_where_it_belongs_and_no_bytes() -> None:
    assert repr(KNOWN) == (
        "SealedSecret('demo', 'int_01', 'apiKey', version=1, kek='kek-1-00c0ffee')"
    )


async def test_a_failed_unsealing_shows_no_key_and_no_secret(
    told_in_full: Callable[[BaseException], str],
) -> None:
    with pytest.raises(UnsealError) as failure:
        await unseal(keyring_of(known_kek()), replace(KNOWN, nonce=WRAPPING_NONCE))
    report = told_in_full(failure.value)
    assert "key = Secret(***)" in report
    for hidden in (KEK, DEK, b"SG.example"):
        assert repr(hidden)[2:-1] not in report


class AwayKeyring(FileKeyring):
    """A keyring whose KMS does not answer."""

    seen: Secret

    async def wrap(self, key: Secret, aad: bytes) -> WrappedKey:
        type(self).seen = key
        raise TimeoutError(len(aad))


async def test_a_failed_sealing_shows_no_key_and_no_secret(
    told_in_full: Callable[[BaseException], str],
) -> None:
    with pytest.raises(TimeoutError) as failure:
        await sealed_canary(AwayKeyring([known_kek()]))
    report = told_in_full(failure.value)
    assert "key = Secret(***)" in report
    for hidden in (KEK, AwayKeyring.seen.reveal(), CANARY):
        assert repr(hidden)[2:-1] not in report


# ----- MACs -----
def test_a_mac_is_under_a_key_that_is_derived_and_is_not_the_kek() -> None:
    # HKDF-Expand of one block, written out (RFC 5869, 2.3).
    derived = hmac.digest(KEK, b"integrations/mac-key/v1\x01", "sha256")
    assert compute_mac(Secret(KEK), b"message") == hmac.digest(derived, b"message", "sha256")
    assert compute_mac(Secret(KEK), b"message") != hmac.digest(KEK, b"message", "sha256")


async def test_a_mac_uses_no_nonce_of_the_kek(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        pytest.fail("a MAC has drawn a nonce")

    keyring = FileKeyring([new_kek(epoch=1)])
    monkeypatch.setattr("app.secrets.sealing.urandom", refuse)
    assert len((await keyring.mac(b"message")).tag) == 32
