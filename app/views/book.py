"""The history as a book: entries on loose leaves, bound into pages, listed volume by volume.

What that is, and how it is stored: app/database/migrations/0013_history_pages.sql; what an entry is
now: kept.py. Requests have it done by integrations.write_history and bind_pages, a rebuild by the
class here; the rows are the same.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import NamedTuple

from msgspec import Struct

from app.views.kept import kept_from, kept_from_each, kept_in
from projections.history import Action, HistoryRow

PAGE = 64  # entries
VOLUME = 16  # pages
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
Write = Callable[[tuple[object, ...]], None]
Keys = tuple[Sequence[str], Sequence[str]]
"""Actions and actors of the entries of a page."""


class LeafItem(Struct, frozen=True):
    """An entry as integrations.write_history takes it."""

    action: str
    actor_id: str
    created_at: datetime
    entry: str


class Leaf(NamedTuple):
    """A loose leaf: a row of integrations.history."""

    workspace_id: str
    sequence: int
    position: int
    action: Action
    actor_id: str
    created_at: datetime
    latest_at: datetime
    entry: bytes


class Page(NamedTuple):
    """A bound page: a row of integrations.history_pages."""

    workspace_id: str
    page: int
    last_position: int
    latest_at: datetime
    late_from: datetime | None
    positions: list[int]
    actions: list[str]
    actors: list[str]
    times: list[datetime]
    ends: list[int]
    entries: bytes


COLUMNS: Mapping[str, Sequence[str]] = {
    "history": Leaf._fields,
    "history_pages": Page._fields,
    "history_lists": ("workspace_id", "list", "volume", "upto", "places"),
}
"""Of each table, in the order in which a book writes them."""


class Book:
    """The book of one workspace, from one of its entries on; mutable.

    What is bound goes to *writes* at once, each row to that of its table; loose leaves at the end.
    """

    def __init__(self, workspace: str, writes: Mapping[str, Write]) -> None:
        self.bound = 0  # entries
        self.keys: list[Keys] = []  # of the pages that are in no full volume yet
        self.upto: Counter[str] = Counter()  # of each list
        self._latest: datetime | None = None  # before the first loose leaf, or of it
        self._positions: list[int] = []  # of loose leaves
        self._rows: list[HistoryRow] = []  # likewise
        self._workspace = workspace
        self._write_leaf = writes["history"]
        self._write_page = writes["history_pages"]
        self._write_list = writes["history_lists"]

    @property
    def length(self) -> int:
        """How many entries it has."""
        return self.bound + len(self._positions)

    def reopen(self, leaf: Leaf) -> None:
        """Take the next of the loose leaves at which the book ended."""
        if not self._positions:
            self.bound, self._latest = leaf.sequence - 1, leaf.latest_at
        self.extend([leaf.position], [row_from(leaf)])

    def extend(self, positions: Sequence[int], rows: Sequence[HistoryRow]) -> None:
        """Add what is kept of the events at *positions*."""
        added = 0
        while added < len(rows):
            if len(self._rows) == PAGE:
                self._bind()
            upto = added + PAGE - len(self._rows)
            self._positions += positions[added:upto]
            self._rows += rows[added:upto]
            added = upto

    def close(self) -> None:
        """Write the leaves that are still loose."""
        latest = self._latest_at([row.created_at for row in self._rows])
        leaves = zip(self._positions, self._rows, latest, strict=True)
        for sequence, (position, row, latest_at) in enumerate(leaves, start=self.bound + 1):
            beside = row.action, row.actor_id, row.created_at, latest_at, kept_from(row)
            self._write_leaf(Leaf(self._workspace, sequence, position, *beside))

    def _latest_at(self, times: list[datetime]) -> list[datetime]:
        """Return the latest time up to each of *times*, those of the loose leaves."""
        latest = self._latest or BEFORE_ALL
        if sorted([latest, *times]) == [latest, *times]:  # as almost always; five times as fast
            return times
        return [*accumulate(times, max, initial=latest)][1:]

    def _bind(self) -> None:
        page = self._page()
        self._write_page(page)
        self.keys.append((page.actions, page.actors))
        self.bound, self._latest = self.bound + PAGE, page.latest_at
        self._positions.clear()
        self._rows.clear()
        if (page.page + 1) % VOLUME == 0:
            self._list(page.page // VOLUME)

    def _page(self) -> Page:
        rows = self._rows
        times = [row.created_at for row in rows]
        latest = self._latest_at(times)
        entries = kept_from_each(rows)
        return Page(
            self._workspace,
            self.bound // PAGE,
            self._positions[-1],
            latest[-1],
            None if latest is times else earliest_late(times, latest),
            [*self._positions],
            [row.action for row in rows],
            [row.actor_id for row in rows],
            times,
            [*accumulate(map(len, entries))],
            b"".join(entries),
        )

    def _list(self, volume: int) -> None:
        for name, places in places_in(self.keys).items():
            self.upto[name] += len(places)
            self._write_list((self._workspace, name, volume, self.upto[name], places))
        self.keys.clear()


def earliest_late(times: Iterable[datetime], latest: Iterable[datetime]) -> datetime | None:
    """Return the first of *times* before which another one was, None where each is the *latest*."""
    late = [at for at, latest_at in zip(times, latest, strict=True) if at < latest_at]
    return min(late, default=None)


def row_from(leaf: Leaf) -> HistoryRow:
    """Return what is kept in *leaf*."""
    beside = leaf.action, leaf.actor_id, leaf.created_at
    return HistoryRow(leaf.workspace_id, *beside, *kept_in(leaf.entry))


def leaf_from(row: HistoryRow) -> LeafItem:
    """Return *row* as the database takes it."""
    return LeafItem(row.action, row.actor_id, row.created_at, kept_from(row).decode())


def places_in(pages: Iterable[Keys]) -> dict[str, list[int]]:
    """Return the places, from 1, that the entries of each list have in a volume of *pages*."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    entries = (entry for page in pages for entry in zip(*page, strict=True))
    for place, (action, actor) in enumerate(entries, start=1):
        for name in (action, f" {actor}", f"{action} {actor}"):
            places[name].append(place)
    return places
