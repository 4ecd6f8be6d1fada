"""docs/api.md lists the errors and the codes of details that the API has, and no others."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text()
HTTP = "\n".join(file.read_text() for file in (ROOT / "app" / "http").rglob("*.py"))


def table_below(head: str) -> str:
    """Return the rows of the table of the page with the head *head*."""
    return PAGE.partition(f"\n{head}\n")[2].partition("\n\n")[0]


def test_the_page_lists_the_codes_of_details() -> None:
    codes = set(re.findall(r'FieldProblem\(\s*"([A-Z_]+)"', HTTP))
    listed = re.findall(r"^\| ([^|]+) \|", table_below("| code | meaning |"), re.MULTILINE)

    assert set(re.findall(r"`([A-Z_]+)`", " ".join(listed))) == codes


def test_the_page_lists_the_errors_with_their_status() -> None:
    problems = set(re.findall(r'\bProblem\(\s*(\d{3}),\s*"([A-Z_]+)"', HTTP))
    table = table_below("| status | `error` | when |")

    assert sorted(re.findall(r"^\| (\d{3}) \| `([A-Z_]+)` \|", table, re.MULTILINE)) == sorted(
        problems
    )
