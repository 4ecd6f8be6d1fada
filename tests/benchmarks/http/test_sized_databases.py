"""The databases of growth: where each integration lies, and that a service finds nothing undone."""

from collections import Counter
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from app.identifiers import is_integration_id
from tests.benchmarks.http.sized_databases import PAGE, Size, fill, sizes_up_to, stream

SIZE = Size(2_000, 50)
PLACES = "SELECT position, workspace_id, stream FROM integrations.events ORDER BY position"
UNSIGNED = "SELECT integrations.head() - position FROM integrations.audit_follower"
INTEGRATIONS_PER_WORKSPACE = "SELECT count(*) FROM integrations.integration_view"


@pytest.fixture
def data(server_dsn: str, tmp_path: Path) -> Generator[str]:
    """A database of SIZE."""
    database = fill(server_dsn, tmp_path, SIZE)
    yield database
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        name = Identifier(str(conninfo_to_dict(database)["dbname"]))
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_each_integration_is_where_it_is_requested_and_nothing_is_left_to_do(data: str) -> None:
    with psycopg.connect(data) as connection:
        assert connection.execute(PLACES).fetchall() == [
            (n, f"grown-{SIZE.workspace_of(n)}", stream(n)) for n in range(1, SIZE.integrations + 1)
        ]
        assert connection.execute(UNSIGNED).fetchone() == (0,)
        assert connection.execute(INTEGRATIONS_PER_WORKSPACE).fetchone() == (SIZE.integrations,)


def test_workspaces_are_of_different_sizes_from_a_page_to_twice_the_mean() -> None:
    size = Size(100_000, 1_000)

    found = Counter(map(size.workspace_of, range(1, size.integrations + 1)))

    assert set(found) == {*range(1_000)}
    assert min(found.values()) == PAGE
    assert max(found.values()) == pytest.approx(2 * 100 - PAGE, rel=0.1)


def test_wherever_growth_is_measured_a_page_is_full() -> None:
    sizes = [(size.integrations, size.workspaces) for size in sizes_up_to(1_000_000)]

    assert sizes == [
        *((1_000, 1), (1_000, 50)),
        *((100_000, 1), (100_000, 1_000)),
        *((1_000_000, 1), (1_000_000, 1_000)),
    ]


def test_growth_requests_ids_that_the_service_accepts() -> None:
    assert all(map(is_integration_id, (stream(1), stream(1_000_000))))
