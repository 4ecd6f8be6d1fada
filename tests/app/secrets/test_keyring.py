from app.secrets.keyring import WrappedKey


def test_a_wrapped_key_prints_without_its_bytes() -> None:
    assert repr(WrappedKey(kek="kek-1-aaaaaaaa", wrapped=b"abc")) == (
        "WrappedKey(kek='kek-1-aaaaaaaa')"
    )
