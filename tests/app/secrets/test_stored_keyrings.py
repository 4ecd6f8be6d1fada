"""What every stored keyring promises: one suite for the file and for Vault's transit engine."""

import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from app.secrets.errors import DecryptionError, KeyringError, UnknownKekError
from app.secrets.keyring import ManagedKeyring, WrappedKey, current_kek
from app.secrets.secret import Secret

Open = Callable[[], ManagedKeyring]
KEY = Secret(bytes(range(32)))


async def states(keyring: ManagedKeyring) -> dict[str, str]:
    return {kek.id: kek.state for kek in await keyring.keks()}


async def test_a_new_keyring_has_one_current_kek(open_keyring: Open) -> None:
    assert [*(await states(open_keyring())).values()] == ["current"]


async def test_what_one_wraps_another_unwraps(open_keyring: Open) -> None:
    wrapped = await open_keyring().wrap(KEY, b"place")
    assert await open_keyring().unwrap(wrapped, b"place") == KEY


async def test_nothing_repeats_when_a_key_is_wrapped_twice(open_keyring: Open) -> None:
    keyring = open_keyring()
    assert (await keyring.wrap(KEY, b"p")).wrapped != (await keyring.wrap(KEY, b"p")).wrapped


async def test_the_key_itself_is_not_in_what_it_is_wrapped_to(open_keyring: Open) -> None:
    wrapped = await open_keyring().wrap(KEY, b"place")
    assert KEY.reveal() not in wrapped.wrapped


@pytest.mark.parametrize("place", [b"", b"plac", b"place2", b"other"])
async def test_a_key_unwraps_for_its_place_only(open_keyring: Open, place: bytes) -> None:
    keyring = open_keyring()
    wrapped = await keyring.wrap(KEY, b"place")
    with pytest.raises(DecryptionError):
        await keyring.unwrap(wrapped, place)


async def test_no_byte_of_a_wrapped_key_can_be_changed(open_keyring: Open) -> None:
    keyring = open_keyring()
    wrapped = await keyring.wrap(KEY, b"place")
    for at in range(len(wrapped.wrapped)):
        changed = bytearray(wrapped.wrapped)
        changed[at] ^= 0x08
        with pytest.raises(DecryptionError):
            await keyring.unwrap(replace(wrapped, wrapped=bytes(changed)), b"place")


@pytest.mark.parametrize("rubbish", [b"", b"\xff" * 40, b"vault:v1:", b"vault:v1:AAAA"])
async def test_rubbish_does_not_unwrap(open_keyring: Open, rubbish: bytes) -> None:
    keyring = open_keyring()
    with pytest.raises(DecryptionError):
        await keyring.unwrap(WrappedKey(kek=await current_kek(keyring), wrapped=rubbish), b"p")


async def test_a_mac_is_the_same_each_time_for_one_message_and_kek(open_keyring: Open) -> None:
    first = await open_keyring().mac(b"message")
    assert (
        first
        == await open_keyring().mac(b"message")
        == await open_keyring().mac(b"message", first.kek)
    )
    assert first.tag != (await open_keyring().mac(b"massage")).tag
    await open_keyring().rotate()
    second = await open_keyring().mac(b"message")
    assert second.kek == await current_kek(open_keyring())
    assert second.tag != first.tag
    assert await open_keyring().mac(b"message", first.kek) == first
    await open_keyring().remove(first.kek)
    with pytest.raises(UnknownKekError):
        await open_keyring().mac(b"message", first.kek)


@pytest.mark.parametrize("kek", ["kek-9-00c0ffee", "vault:kms/transit/other:v1", ""])
async def test_a_mac_of_another_keyrings_kek_is_refused(open_keyring: Open, kek: str) -> None:
    with pytest.raises(UnknownKekError):
        await open_keyring().mac(b"message", kek)


@pytest.mark.parametrize("kek", ["kek-9-00c0ffee", "vault:kms/transit/other:v1", ""])
async def test_a_kek_of_another_keyring_is_unknown(open_keyring: Open, kek: str) -> None:
    keyring = open_keyring()
    wrapped = await keyring.wrap(KEY, b"place")
    with pytest.raises(UnknownKekError):
        await keyring.unwrap(replace(wrapped, kek=kek), b"place")


# ----- Rotation -----
async def test_after_a_rotation_the_new_kek_wraps_and_the_old_one_unwraps(
    open_keyring: Open,
) -> None:
    keyring = open_keyring()
    old = await keyring.wrap(KEY, b"place")
    current = await keyring.rotate()
    assert await states(keyring) == {old.kek: "retired", current: "current"}
    assert (await keyring.wrap(KEY, b"place")).kek == current
    assert await keyring.unwrap(old, b"place") == KEY


async def test_who_has_it_open_already_sees_a_rotation_at_once(open_keyring: Open) -> None:
    worker, command = open_keyring(), open_keyring()
    before = await worker.wrap(KEY, b"place")
    current = await command.rotate()
    assert current != before.kek
    assert (await worker.wrap(KEY, b"place")).kek == current


async def test_a_key_does_not_unwrap_under_another_kek_than_its_own(open_keyring: Open) -> None:
    keyring = open_keyring()
    old = await keyring.wrap(KEY, b"place")
    current = await keyring.rotate()
    with pytest.raises(DecryptionError):
        await keyring.unwrap(replace(old, kek=current), b"place")


async def test_keks_are_listed_oldest_first(open_keyring: Open) -> None:
    keyring = open_keyring()
    ids = [await current_kek(keyring), await keyring.rotate(), await keyring.rotate()]
    listed = await keyring.keks()
    assert [kek.id for kek in listed] == ids
    assert [kek.state for kek in listed] == ["retired", "retired", "current"]
    assert [kek.created_at for kek in listed] == sorted(kek.created_at for kek in listed)


# ----- Removal -----
async def test_under_a_removed_kek_nothing_unwraps_for_anybody(open_keyring: Open) -> None:
    worker, command = open_keyring(), open_keyring()
    old = await worker.wrap(KEY, b"place")
    current = await command.rotate()
    await command.remove(old.kek)
    assert await states(command) == {current: "current"}
    for keyring in (worker, command, open_keyring()):
        with pytest.raises(UnknownKekError, match=old.kek):
            await keyring.unwrap(old, b"place")


async def test_the_current_kek_cannot_be_removed(open_keyring: Open) -> None:
    keyring = open_keyring()
    wrapped = await keyring.wrap(KEY, b"place")
    with pytest.raises(KeyringError, match="rotate"):
        await keyring.remove(wrapped.kek)
    assert await keyring.unwrap(wrapped, b"place") == KEY


async def test_a_kek_that_is_not_there_cannot_be_removed(open_keyring: Open) -> None:
    with pytest.raises(UnknownKekError):
        await open_keyring().remove("kek-9-00c0ffee")


async def test_a_keyring_prints_no_key(open_keyring: Open) -> None:
    keyring = open_keyring()
    await keyring.wrap(KEY, b"place")
    assert re.search("[A-Za-z0-9+/]{43}=", repr(keyring)) is None
    assert "s.the-token" not in repr(keyring)
