"""docs/api.md lists every error and every code of a detail that the API has."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text()
HTTP = "\n".join(file.read_text() for file in (ROOT / "app" / "http").rglob("*.py"))


def test_the_page_lists_every_code_of_a_detail() -> None:
    codes = set(re.findall(r'FieldProblem\(\s*"([A-Z_]+)"', HTTP))
    assert codes
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()


def test_the_page_lists_every_error_with_its_status() -> None:
    problems = set(re.findall(r'\bProblem\(\s*(\d{3}),\s*"([A-Z_]+)"', HTTP))
    assert problems
    assert {row for row in problems if f"| {row[0]} | `{row[1]}` |" not in PAGE} == set()
