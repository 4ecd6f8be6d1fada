import json
from pathlib import Path

import pytest

from app.tokens.errors import JwksError
from app.tokens.jwks_file import JwksFile

Json = dict[str, object]


@pytest.fixture
def file(jwks_path: Path, now: list[float]) -> JwksFile:
    return JwksFile(jwks_path, clock=lambda: now[0])


def kids(file: JwksFile) -> list[str | None]:
    trusted = file.keys()
    return [key.kid for key in trusted]


def test_the_same_file_gives_the_same_tuple(
    file: JwksFile, now: list[float], jwks_path: Path
) -> None:
    first = file.keys()
    now[0] += 3
    assert file.keys() is first
    jwks_path.touch()
    now[0] += 1
    assert file.keys() is first, "looked again after 1 s"
    assert kids(file) == ["EdDSA", "ES256", "RS256"]


@pytest.mark.parametrize("replace", [True, False])
def test_a_change_counts_within_two_seconds(
    file: JwksFile,
    now: list[float],
    jwks_path: Path,
    jwks: list[Json],
    replace: bool,
) -> None:
    target = jwks_path.with_suffix(".new") if replace else jwks_path
    target.write_text(json.dumps({"keys": jwks[1:]}))
    target.replace(jwks_path)
    assert len(kids(file)) == 3
    now[0] += 2
    assert kids(file) == ["ES256", "RS256"]


def test_an_empty_set_shuts_everybody_out(
    file: JwksFile, now: list[float], jwks_path: Path
) -> None:
    jwks_path.write_text('{"keys": []}')
    now[0] += 2
    assert kids(file) == []


def test_a_broken_or_missing_file_leaves_the_last_good_keys(
    file: JwksFile,
    now: list[float],
    jwks_path: Path,
    jwks: list[Json],
    caplog: pytest.LogCaptureFixture,
) -> None:
    jwks_path.write_text('{"keys": [')
    for _ in range(5):
        now[0] += 2
        assert len(kids(file)) == 3
    assert len(caplog.messages) == 1
    assert "it is no JWKS" in caplog.text
    jwks_path.unlink()
    now[0] += 2
    assert len(kids(file)) == 3
    jwks_path.write_text(json.dumps({"keys": jwks[:1]}))
    now[0] += 2
    assert kids(file) == ["EdDSA"]


def test_a_skipped_key_is_logged(
    jwks_path: Path, jwks: list[Json], caplog: pytest.LogCaptureFixture
) -> None:
    jwks_path.write_text(json.dumps({"keys": [jwks[0], jwks[1] | {"use": "enc"}]}))
    assert kids(JwksFile(jwks_path)) == ["EdDSA"]
    assert caplog.messages == [
        f"JWKS {jwks_path}: key 2 is skipped: it is not meant for verifying signatures"
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        ("canary", "it is no JWKS"),
        ('{"keys": []}', "it holds no usable key"),
        ('{"keys": [{"kty": "oct", "k": "canary"}]}', "key 1 is skipped: it is none of"),
        (" " * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_file_without_keys_stops_the_start_with_one_line(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    path = tmp_path / "jwks.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(JwksError) as raised:
        JwksFile(path)
    message = str(raised.value)
    assert message.startswith(f"JWKS {path}: ")
    assert reason in message
    assert "\n" not in message
    assert "canary" not in message.removeprefix(f"JWKS {path}")


def test_a_directory_is_no_jwks(tmp_path: Path) -> None:
    with pytest.raises(JwksError, match="Is a directory"):
        JwksFile(tmp_path)


def test_keys_count_no_more_after_a_day_without_a_file(
    file: JwksFile, now: list[float], jwks_path: Path
) -> None:
    now[0] += 1_000_000  # a file that stays as it is does not grow old
    assert len(kids(file)) == 3
    content = jwks_path.read_text()
    jwks_path.unlink()
    now[0] += 24 * 3600
    assert len(kids(file)) == 3
    now[0] += 2
    assert kids(file) == []
    jwks_path.write_text(content)
    now[0] += 2
    assert len(kids(file)) == 3
