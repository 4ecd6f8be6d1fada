from pathlib import Path

from app.private_files import create_private_file


def test_a_file_that_another_process_created_first_stays(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_private_file(path, b"faster")
    create_private_file(path, b"slower")
    assert path.read_bytes() == b"faster"
    assert list(tmp_path.iterdir()) == [path]
