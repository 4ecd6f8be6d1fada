"""The files of pages: as published, small, and kept by browsers for ever."""

import re
from hashlib import sha256

import httpx2
import pytest

from app.console.assets import FOLDER, read_assets

SUMS = dict(
    re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", (FOLDER / "htmx/README.md").read_text())
)


def test_htmx_is_as_it_was_published() -> None:
    files = {file.name for file in (FOLDER / "htmx").iterdir()} - {"README.md"}

    assert files == set(SUMS)
    for name in files:
        assert sha256((FOLDER / "htmx" / name).read_bytes()).hexdigest() == SUMS[name]


def test_all_files_together_are_small() -> None:
    assets = read_assets()

    assert sum(len(asset.compressed) for asset in assets.values()) < 22_000
    # As published, htmx and its extension are 40,895 bytes of all.
    assert sum(len(assets[name].body) for name in ("style", "script")) < 23_000


@pytest.mark.parametrize(
    ("takes", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip; q=0.0, br", None),
        ("", None),
    ],
)
def test_a_file_is_compressed_for_who_takes_that(
    visitor: httpx2.Client, takes: str, encoding: str | None
) -> None:
    asset = read_assets()["htmx"]

    answer = visitor.get(asset.path, headers={"Accept-Encoding": takes})

    assert (answer.headers.get("content-encoding"), answer.content) == (encoding, asset.body)
    assert answer.headers["vary"] == "Accept-Encoding"
    sent = asset.compressed if encoding else asset.body
    assert int(answer.headers["content-length"]) == len(sent)


def test_a_file_is_kept_for_ever_as_its_path_names_its_content(visitor: httpx2.Client) -> None:
    for asset in read_assets().values():
        answer = visitor.get(asset.path)

        assert answer.content == asset.body
        assert answer.headers["cache-control"] == "max-age=31536000, public, immutable"
        assert asset.media_type in answer.headers["content-type"]
