from pathlib import Path

import pytest

from app.tokens.private_key_file import read_or_create


def test_what_is_made_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert read_or_create(path, lambda: b"first") == b"first"
    assert read_or_create(path, lambda: b"second") == b"first"


def test_a_name_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.symlink_to(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        read_or_create(path, lambda: b"new")
