"""The history as a book: entries on loose leaves, bound into pages, listed volume by volume.

What that is, and how it is stored: app/database/migrations/0013_history_pages.sql. Requests have
it done by integrations.write_history and bind_pages, a rebuild by the class here; the rows are the
same.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple

from msgspec import Struct
from msgspec.json import Encoder

from projections.history import HistoryRow

PAGE = 64  # entries
VOLUME = 16  # pages
encode = Encoder().encode
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
    action: str
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
        self._positions: list[int] = []  # of loose leaves, as are:
        self._heads: list[Leaf | HistoryRow] = []
        self._entries: list[bytes] = []
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
        self._put(leaf.position, leaf, leaf.entry)

    def add(self, position: int, row: HistoryRow) -> None:
        """Add the entry of the event at *position*."""
        if len(self._positions) == PAGE:
            self._bind()
        self._put(position, row, encode(row))

    def _put(self, position: int, head: Leaf | HistoryRow, entry: bytes) -> None:
        self._positions.append(position)
        self._heads.append(head)
        self._entries.append(entry)

    def close(self) -> None:
        """Write the leaves that are still loose."""
        times, latest = self._times()
        for number, head in enumerate(self._heads):
            self._write_leaf(
                Leaf(
                    self._workspace,
                    self.bound + number + 1,
                    self._positions[number],
                    head.action,
                    head.actor_id,
                    times[number],
                    latest[number],
                    self._entries[number],
                )
            )

    def _times(self) -> tuple[list[datetime], list[datetime]]:
        times = [head.created_at for head in self._heads]
        latest = [*accumulate(times, max, initial=self._latest or times[0])][1:] if times else []
        return times, latest

    def _bind(self) -> None:
        page = self._page()
        self._write_page(page)
        self.keys.append((page.actions, page.actors))
        self.bound, self._latest = self.bound + PAGE, page.latest_at
        for column in (self._positions, self._heads, self._entries):
            column.clear()
        if (page.page + 1) % VOLUME == 0:
            self._list(page.page // VOLUME)

    def _page(self) -> Page:
        times, latest = self._times()
        late = [at for at, latest_at in zip(times, latest, strict=True) if at < latest_at]
        return Page(
            self._workspace,
            self.bound // PAGE,
            self._positions[-1],
            latest[-1],
            min(late, default=None),
            [*self._positions],
            [head.action for head in self._heads],
            [head.actor_id for head in self._heads],
            times,
            [*accumulate(map(len, self._entries))],
            b"".join(self._entries),
        )

    def _list(self, volume: int) -> None:
        for name, places in places_in(self.keys).items():
            self.upto[name] += len(places)
            self._write_list((self._workspace, name, volume, self.upto[name], places))
        self.keys.clear()


def leaf_from(row: HistoryRow) -> LeafItem:
    """Return the entry *row* as the database takes it."""
    return LeafItem(row.action, row.actor_id, row.created_at, encode(row).decode())


def places_in(pages: Iterable[Keys]) -> dict[str, list[int]]:
    """Return the places, from 1, that the entries of each list have in a volume of *pages*."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    entries = (entry for page in pages for entry in zip(*page, strict=True))
    for place, (action, actor) in enumerate(entries, start=1):
        for name in (action, f" {actor}", f"{action} {actor}"):
            places[name].append(place)
    return places
