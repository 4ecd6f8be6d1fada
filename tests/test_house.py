"""What holds for the whole tree and no tool checks."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [file for folder in ("app", "scripts") for file in (ROOT / folder).rglob("*.py")]
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def test_only_the_sealing_module_uses_ciphers() -> None:
    users = [file for file in SOURCES if "primitives.ciphers" in file.read_text()]
    assert [file.relative_to(ROOT).as_posix() for file in users] == ["app/secrets/sealing.py"]


def test_no_lock_names_an_index_or_a_file_address() -> None:
    for lock in ROOT.glob("requirements*.txt"):
        assert not re.search(r"https?://|--(extra-)?index-url|@ file:", lock.read_text())


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_settings_page_lists_every_setting() -> None:
    from app.settings import PREFIX, Settings  # noqa: PLC0415 — this test alone needs it

    page = (ROOT / "docs" / "settings.md").read_text()
    listed = set(re.findall(r"^\| (INTEGRATIONS_[A-Z_]+) \|", page, re.MULTILINE))
    assert listed == {PREFIX + name.upper() for name in Settings.__struct_fields__}


def test_the_readme_lists_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    help_text = subprocess.run(
        [ROOT / ".venv/bin/integrations", "--help"],
        check=True, capture_output=True, text=True, timeout=30,
    ).stdout  # fmt: skip
    for command in re.findall(r"^  ([a-z]+) ", help_text.partition("Commands:")[2], re.MULTILINE):
        assert f"integrations {command}" in readme, command
