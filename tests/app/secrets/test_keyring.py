import pytest

from app.secrets.errors import KeyringError
from app.secrets.keyring import WrappedKey, require_keks
from app.secrets.keyring_file import FileKeyring


def test_a_keyring_that_has_every_kek_in_use_is_fine(keyring: FileKeyring) -> None:
    require_keks(keyring.ids(), [keyring.current, keyring.current])
    require_keks(keyring.ids(), [])


def test_a_keyring_that_lacks_keks_in_use_is_refused_in_one_line(keyring: FileKeyring) -> None:
    with pytest.raises(KeyringError) as refusal:
        require_keks(keyring.ids(), ["kek-2-bbbbbbbb", keyring.current, "kek-1-aaaaaaaa"])
    assert str(refusal.value) == (
        "The keyring lacks kek-1-aaaaaaaa, kek-2-bbbbbbbb, under which secrets are stored: "
        "put the right one back, or point INTEGRATIONS_KEYRING at it."
    )


def test_a_wrapped_key_prints_without_its_bytes() -> None:
    assert repr(WrappedKey(kek="kek-1-aaaaaaaa", wrapped=b"abc")) == (
        "WrappedKey(kek='kek-1-aaaaaaaa')"
    )
