"""The files of the docs page: as published, and at a path that tells their content."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

import app.http.docs
from app.http.docs.assets import read_asset

FOLDER = Path(app.http.docs.__file__).parent / "swagger_ui"
README = (FOLDER / "README.md").read_text("utf-8")
SUMS: dict[str, str] = dict(re.findall(r"\| `(.+)` \| `([0-9a-f]{64})` \|\n", README))


def test_the_readme_tells_of_every_file() -> None:
    assert set(SUMS) | {"README.md"} == {file.name for file in FOLDER.iterdir()}


@pytest.mark.parametrize("name", SUMS)
def test_a_file_is_as_published(name: str) -> None:
    assert sha256((FOLDER / name).read_bytes()).hexdigest() == SUMS[name]


def test_an_asset_s_path_tells_its_content() -> None:
    style = read_asset("swagger_ui/swagger-ui.css")

    assert style.path == f"/assets/{SUMS['swagger-ui.css'][:16]}/swagger-ui.css"
    assert sha256(style.body).hexdigest() == SUMS["swagger-ui.css"]


def test_only_scripts_and_style_sheets_are_assets() -> None:
    with pytest.raises(KeyError):
        read_asset("page.html")


def test_a_missing_file_stops_the_start() -> None:
    with pytest.raises(FileNotFoundError):
        read_asset("missing.js")
