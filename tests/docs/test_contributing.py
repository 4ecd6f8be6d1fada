"""CONTRIBUTING.md names each file that a new public field of an integration goes into."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from projections.integration_view import IntegrationRow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
FOLDERS = ("app", "domain", "projections", "scripts", "clients/python/integrations_client")
# What every integration has anyway, what is made of other fields, and what has no type of its own.
OTHER_COLUMNS = {
    *("workspace_id", "id", "version", "name", "type", "channel", "is_active", "settings"),
    *("created_at", "updated_at", "name_key", "search_text"),
}
FIELDS = {*IntegrationRow.__struct_fields__} - OTHER_COLUMNS
KNOWN = {"sender_email", "sender_name", "sender_phone", "vapid_public_key"}
# Example bodies, which need not have every field.
NO_PLACE = "app/http/integrations/examples.py"


def named_in(file: Path) -> set[str]:
    """Return the fields that *file* names, as Python or as the API writes them."""
    text = file.read_text()
    return {field for field in FIELDS if field in text or camel(field) in text}


def camel(field: str) -> str:
    return re.sub("_(.)", lambda match: match[1].upper(), field)


def find_places() -> Iterator[str]:
    """Yield each file that names all fields that there were when this test was written."""
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".py", ".sql") and named_in(file) >= KNOWN:
                yield file.relative_to(ROOT).as_posix()


PLACES = sorted({*find_places()} - {NO_PLACE})


def test_the_page_lists_each_file_that_names_all_public_fields() -> None:
    section = PAGE.partition("## Add a field to an integration\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\d+\. (.*?):", section, re.MULTILINE)

    assert sorted(path for line in lines for path in re.findall(r"`([\w/.]+)`", line)) == PLACES


@pytest.mark.parametrize("place", PLACES)
def test_a_file_that_names_all_other_public_fields_names_a_new_one(place: str) -> None:
    assert named_in(ROOT / place) == FIELDS
