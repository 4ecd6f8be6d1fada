"""What holds for the whole tree and no tool checks."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [file for folder in ("app", "scripts") for file in (ROOT / folder).rglob("*.py")]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "clients/python/README.md",
]
FILE_PATH = re.compile(r"`((?:app|domain|projections|scripts|tests)/[\w./*]+)")
# In backquotes, or at the start of a line of an example.
COMMAND_LINE = re.compile(r"(?:`|^)(integrations(?: [^`|>#\n]*)?)(?:`|  |$| [|>#])", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")
CITED_PAGE = re.compile(r"docs/(?:[\w-]+/)*[\w-]+\.md(?:#[\w-]+)?")
# Documents that are not in the repository, and the numbers of their parts.
OUTSIDE_DOCUMENT = re.compile(
    r"\(contract, |(?:contract|design|naming|cases|facts|integration-api)\.md|\bdesign,? D\d"
    r"|\((?:kinds? )?[KS]\d+[,) ]|def test_[ks]\d+_"
)
# What reads the document of the API if it is there, and skips its tests if not.
READS_OUTSIDE_DOCUMENT = ROOT / "tests/contract/conftest.py"


def test_only_the_sealing_module_uses_ciphers() -> None:
    users = [file for file in SOURCES if "primitives.ciphers" in file.read_text()]
    assert [file.relative_to(ROOT).as_posix() for file in users] == ["app/secrets/sealing.py"]


def test_the_client_imports_nothing_of_the_service() -> None:
    client = ROOT / "clients/python"
    modules = [
        *(client / "integrations_client").rglob("*.py"),
        *(client / "examples").rglob("*.py"),
    ]
    imported = {name for file in modules for name in imports_of(file)}

    ours = {"integrations_client", *(file.stem for file in (client / "examples").glob("*.py"))}
    outside = imported - sys.stdlib_module_names - ours
    project = tomllib.loads((client / "pyproject.toml").read_text())["project"]
    packages = {"PyJWT": "jwt"}
    needed = [re.split("[<>=]", dependency)[0] for dependency in project["dependencies"]]
    assert outside == {packages.get(name, name) for name in needed}


def imports_of(file: Path) -> Iterator[str]:
    """Yield the first part of the name of each module that *file* imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_no_lock_names_an_index_or_a_file_address() -> None:
    for lock in ROOT.glob("requirements*.txt"):
        assert not re.search(r"https?://|--(extra-)?index-url|@ file:", lock.read_text())


def test_the_wheel_holds_the_product_and_no_tests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    built = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert built == ["app", "domain", "projections", "scripts"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        assert leads_somewhere(link, page), link


@pytest.mark.parametrize("folder", ["app", "domain", "projections", "scripts", "tests", "clients"])
def test_code_cites_pages_and_sections_that_exist(folder: str) -> None:
    for file in code_in(folder):
        text = file.read_text()
        for cited in CITED_PAGE.findall(text):
            assert leads_somewhere(cited, ROOT / "README.md"), f"{file}: {cited}"
        outside = OUTSIDE_DOCUMENT.search(text)
        assert outside is None or file in (Path(__file__), READS_OUTSIDE_DOCUMENT), file


def leads_somewhere(link: str, page: Path) -> bool:
    """Return whether *link*, on *page*, leads to a file, and to a heading in it if it names one."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors_of(target))


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of *page*."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code_in(folder: str) -> Iterator[Path]:
    """Yield the files of *folder* in Python and SQL."""
    yield from (file for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".sql"))


def test_the_settings_page_lists_every_setting() -> None:
    from app.settings import PREFIX, Settings  # noqa: PLC0415 — this test alone needs it

    page = (ROOT / "docs" / "settings.md").read_text()
    listed = set(re.findall(r"^\| (INTEGRATIONS_[A-Z_]+) \|", page, re.MULTILINE))
    assert listed == {PREFIX + name.upper() for name in Settings.__struct_fields__}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_setting_that_does_not_exist(page: Path) -> None:
    from app.settings import PREFIX, Settings  # noqa: PLC0415 — these tests alone need it

    named = set(re.findall(r"INTEGRATIONS_[A-Z_]+[A-Z]", page.read_text()))

    assert named <= {PREFIX + name.upper() for name in Settings.__struct_fields__}


def commands_of(group: click.Group, before: str = "integrations") -> Iterator[tuple[str, Any]]:
    """Yield each command with the words that call it: `integrations keys list`."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


def options_of(command: click.Command) -> set[str]:
    return {"--help", *(o for p in command.params for o in p.opts if o.startswith("--"))}


NO_COMMANDS = ("", "keys", "--version", "audit key rotated")
"""What may follow `integrations` on a page and is no command; the last is the name of a note."""


def test_the_readme_lists_every_command() -> None:
    from scripts.commands.cli import commands  # noqa: PLC0415 — the tests of commands alone need it

    readme = (ROOT / "README.md").read_text()
    rows = [row for row in readme.splitlines() if row.startswith("| `integrations ")]

    for words, _ in commands_of(commands):
        _, first, *others = words.split()
        listed = [row for row in rows if row.startswith(f"| `integrations {first}")]
        assert listed, words
        assert all(f" {other}`" in row or f"`{other}`" in row for other in others for row in listed)


def test_the_pages_tell_of_every_command_and_option_of_keys() -> None:
    from scripts.commands.cli import commands  # noqa: PLC0415

    page = (ROOT / "docs" / "keys.md").read_text()

    for words, command in commands_of(commands):
        if words.startswith("integrations keys"):
            assert words in page, words
            assert all(option in page for option in options_of(command) - {"--help"}), words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_command_or_option_that_does_not_exist(page: Path) -> None:
    from scripts.commands.cli import commands  # noqa: PLC0415

    known = dict(commands_of(commands))
    for line in COMMAND_LINE.findall(page.read_text()):
        words = line.split()
        named = next((n for n in (3, 2) if " ".join(words[:n]) in known), None)
        assert named or " ".join(words[1:]) in NO_COMMANDS, line
        if named:
            options = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert options <= options_of(known[" ".join(words[:named])]), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_file_that_does_not_exist(page: Path) -> None:
    for path in FILE_PATH.findall(page.read_text()):
        assert [*ROOT.glob(path)], path
