"""The SQL functions that write a view's rows replace all of their columns."""

import re
from pathlib import Path

import pytest
from msgspec import Struct, structs

from projections.channel_default_view import ChannelDefaultRow
from projections.integration_view import IntegrationRow

SQL = Path(__file__).parents[3] / "app" / "views" / "sql"


@pytest.mark.parametrize(
    ("file", "row"),
    [
        ("write_integration_view.sql", IntegrationRow),
        ("write_channel_default_view.sql", ChannelDefaultRow),
    ],
)
def test_a_changed_row_replaces_every_column(file: str, row: type[Struct]) -> None:
    replaced = re.findall(r"(\w+) = excluded\.\1\b", (SQL / file).read_text())
    assert ["workspace_id", "id", *replaced] == [field.name for field in structs.fields(row)]
