"""Goes on with the books of a shadow from where they end there."""

from collections.abc import Iterable, Mapping

from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from app.views.book import PAGE, VOLUME, Book, Leaf, Write
from app.views.rebuilding.shadows import Shadow

LISTED = PAGE * VOLUME  # entries of a volume
# The loose leaves are taken out; the book puts those back that stay loose.
LOOSE = SQL("DELETE FROM {table} WHERE workspace_id = ANY (%s) RETURNING {columns}")
# In no full volume yet: those of the books that are about to have another one.
KEYS = SQL("""
SELECT workspace_id, actions, actors
FROM {table} JOIN unnest(%s::text[], %s::bigint[]) AS book (workspace_id, first)
    USING (workspace_id)
WHERE page >= first ORDER BY workspace_id, page
""")
UPTO = SQL("""
SELECT workspace_id, list, max(upto) FROM {table} WHERE workspace_id = ANY (%s)
GROUP BY workspace_id, list
""")


def reopened(
    cursor: Cursor[TupleRow],
    shadows: Mapping[str, Shadow],
    amounts: Mapping[str, int],
    writes: Mapping[str, Write],
) -> dict[str, Book]:
    """Return the books of the workspaces of *amounts*, each to be given so many entries more."""
    books = {workspace: Book(workspace, writes) for workspace in amounts}
    for leaf in loose_leaves(cursor, shadows["history"], amounts):
        books[leaf.workspace_id].reopen(leaf)
    firsts = {
        workspace: first
        for workspace, book in books.items()
        if (first := first_unlisted(book, amounts[workspace])) is not None
    }
    columns = [*firsts], [*firsts.values()]
    for workspace, *keys in cursor.execute(
        KEYS.format(table=shadows["history_pages"].table), columns
    ):
        books[workspace].keys.append((keys[0], keys[1]))
    for workspace, name, upto in cursor.execute(
        UPTO.format(table=shadows["history_lists"].table), ([*firsts],)
    ):
        books[workspace].upto[name] = upto
    return books


def loose_leaves(cursor: Cursor[TupleRow], shadow: Shadow, workspaces: Iterable[str]) -> list[Leaf]:
    """Take the loose leaves of *workspaces* out of *shadow*; return them in their order."""
    columns = SQL(", ").join(map(Identifier, Leaf._fields))
    statement = LOOSE.format(table=shadow.table, columns=columns)
    found = cursor.execute(statement, ([*workspaces],), binary=True)
    return sorted(Leaf(*row) for row in found)  # by workspace and number


def first_unlisted(book: Book, more: int) -> int | None:
    """Return the first page of the volume that *more* entries complete, None where they do not."""
    if not book.length:
        return None
    first, last = book.bound // LISTED, (book.length + more - 1) // LISTED
    return first * VOLUME if first < last else None
