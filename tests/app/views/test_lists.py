"""Lists are what a plain Python model says, whatever is asked for, page by page."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.json import encode
from psycopg.conninfo import make_conninfo

from app.database.pools import open_pool
from app.event_store.batch import RowItem
from app.views.integrations import IntegrationViews
from app.views.list_queries import Key, ListFilter, SortOrder
from projections.integration_view import IntegrationRow, search_text
from projections.search_text import sort_key

DAY = datetime(2026, 11, 23, tzinfo=UTC)
NAMES = ("Mail", "mail", "Étoile", "etoile", "100%", "a_b", "a\\b", "Zoo", "Straße", "STRASSE")
TYPES = ("SENDGRID", "ELASTIC_EMAIL", "TWILIO")
WRITE = "SELECT integrations.write_integration_view(%s::jsonb, NULL, NULL)"
COUNT = "SELECT integrations.recount()"


def row(number: int, workspace: str = "demo") -> IntegrationRow:
    """Return one of many rows, alike in name, day and type with others."""
    name = NAMES[number % len(NAMES)]
    email = "post@example.org" if number % 5 == 0 else None
    phone = "+4930123456" if number % 3 == 2 else None
    return IntegrationRow(
        workspace_id=workspace,
        id=f"int_{number * 7919 % 100:03}",
        version=1,
        name=name,
        type=TYPES[number % len(TYPES)],
        channel="SMS" if number % len(TYPES) == 2 else "EMAIL",
        is_active=number % 4 != 0,
        sender_email=email,
        sender_name=None,
        sender_phone=phone,
        vapid_public_key=None,
        settings=None,
        created_at=DAY + timedelta(hours=number % 11),
        updated_at=DAY + timedelta(minutes=number * 13 % 17),
        name_key=sort_key(name),
        search_text=search_text((name, email, phone)),
    )


ROWS = [row(number) for number in range(60)]
selections = st.builds(
    ListFilter,
    workspace=st.just("demo"),
    types=st.none() | st.lists(st.sampled_from([*TYPES, "NEXMO"])).map(tuple),
    is_active=st.none() | st.booleans(),
    searches=st.lists(
        st.sampled_from(
            ["mail", "étoile", "100%", "%", "_", "\\", "strasse", "example", "+49", "x"]
        ),
        max_size=2,
    ).map(tuple),
)
orders = st.builds(
    SortOrder, st.sampled_from(["created_at", "updated_at", "name_key"]), st.booleans()
)


def matching(selection: ListFilter, order: SortOrder) -> list[IntegrationRow]:
    """Return what the model lists."""
    found = [
        r
        for r in ROWS
        if (selection.types is None or r.type in selection.types)
        and selection.is_active in (None, r.is_active)
        and (not selection.searches or any(text in r.search_text for text in selection.searches))
    ]
    return sorted(found, key=lambda r: (getattr(r, order.column), r.id), reverse=order.descending)


def item(r: IntegrationRow) -> RowItem:
    """Return *r* as the database takes it."""
    return RowItem(r.workspace_id, r.id, r)


@pytest.fixture(scope="module")
def filled(server_dsn: str, template: str) -> str:
    """A database that holds ROWS, and as many of another workspace."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE listed TEMPLATE {template}".encode())
    dsn = make_conninfo(server_dsn, dbname="listed")
    with psycopg.connect(dsn) as connection:
        others = [row(number, "other") for number in range(60)]
        connection.execute(WRITE, (encode([*map(item, [*ROWS, *others])]).decode(),))
        connection.execute(COUNT)
    return dsn


@pytest.fixture
async def lists(filled: str) -> AsyncGenerator[IntegrationViews]:
    async with open_pool(filled, "integrations_query") as pool:
        yield IntegrationViews(pool)


often = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def by_number(
    lists: IntegrationViews, selection: ListFilter, order: SortOrder, limit: int
) -> list[Sequence[IntegrationRow]]:
    pages: list[Sequence[IntegrationRow]] = []
    while (page := await lists.page_number(selection, order, len(pages) + 1, limit)).rows:
        assert page.total == len(matching(selection, order))
        pages.append(page.rows)
    return pages


@often
@given(selection=selections, order=orders, limit=st.integers(1, 25))
async def test_the_numbered_pages_are_the_model_cut_into_pieces(
    lists: IntegrationViews, selection: ListFilter, order: SortOrder, limit: int
) -> None:
    expected = matching(selection, order)
    pages = await by_number(lists, selection, order, limit)
    assert pages == [expected[i : i + limit] for i in range(0, len(expected), limit)]


@often
@given(selection=selections, order=orders, limit=st.integers(1, 25))
async def test_from_key_to_key_every_row_comes_once_and_in_order(
    lists: IntegrationViews, selection: ListFilter, order: SortOrder, limit: int
) -> None:
    key: Key | None = None
    seen: list[IntegrationRow] = []
    while True:
        page = await lists.page_after(selection, order, key, limit)
        seen += page.rows
        if (key := page.next) is None:
            break
    assert seen == matching(selection, order)


@often
@given(selection=selections, order=orders, pages=st.lists(st.integers(1, 9), max_size=6))
async def test_pages_asked_for_in_any_order_are_the_same(
    lists: IntegrationViews, selection: ListFilter, order: SortOrder, pages: list[int]
) -> None:
    expected = matching(selection, order)
    for number in pages:
        page = await lists.page_number(selection, order, number, 7)
        assert page.rows == expected[(number - 1) * 7 : number * 7]


async def test_everything_is_everything(lists: IntegrationViews) -> None:
    everything = ListFilter(workspace="demo")
    page = await lists.all_matching(everything, SortOrder())
    assert page.rows == matching(everything, SortOrder())
    assert (page.total, page.next) == (60, None)


async def test_a_workspace_without_integrations_has_an_empty_page(lists: IntegrationViews) -> None:
    page = await lists.page_number(ListFilter(workspace="nobody"), SortOrder(), 1, 20)
    assert (page.rows, page.total, page.next) == ([], 0, None)


async def test_a_remembered_place_is_used_and_not_counted_to_again(lists: IntegrationViews) -> None:
    everything, order = ListFilter(workspace="demo"), SortOrder()
    await lists.page_number(everything, order, 5, 10)
    assert lists.anchors.nearest(everything, order, 0, 40)[0] == 40
    assert lists.anchors.nearest(everything, order, 0, 50)[0] == 50


async def test_the_counts_are_those_of_the_view(filled: str) -> None:
    counts = "SELECT workspace_id, type, is_active, amount FROM integrations.integration_counts"
    with psycopg.connect(filled) as connection:
        kept: set[Any] = {*connection.execute(f"{counts} WHERE amount > 0".encode()).fetchall()}
        connection.execute("SELECT integrations.recount()")
        assert {*connection.execute(counts).fetchall()} == kept
        connection.rollback()
