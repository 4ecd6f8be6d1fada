"""The first keys of numbered pages, cached so that a far page costs what a near one costs."""

from bisect import bisect_right, insort
from collections import OrderedDict

from app.views.list_queries import Key, ListFilter, SortOrder

MAX_LISTS = 256  # sorted lists
MAX_ANCHORS_PER_LIST = 4096  # anchors of each list

Anchor = tuple[int, Key]  # rows before it, the key of the last of them


class Anchors:
    """Caches, for a list in one state of its workspace, which keys stand at which row.

    A state is the workspace's last sequence: any change makes another list of it, so
    that a cached anchor is never wrong. The least recently used lists are dropped.
    """

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[ListFilter, SortOrder, int], list[Anchor]] = OrderedDict()

    def nearest(
        self, selection: ListFilter, order: SortOrder, state: int, rows: int
    ) -> tuple[int, Key | None]:
        """Return the nearest known anchor with at most *rows* before it; the start has none."""
        anchors = self._lists.get((selection, order, state), [])
        index = bisect_right(anchors, rows, key=rows_before)
        return anchors[index - 1] if index else (0, None)

    def cache(self, selection: ListFilter, order: SortOrder, state: int, anchor: Anchor) -> None:
        """Cache *anchor* of the list."""
        list_key = (selection, order, state)
        anchors = self._lists.setdefault(list_key, [])
        self._lists.move_to_end(list_key)
        if len(anchors) < MAX_ANCHORS_PER_LIST and anchor not in anchors:
            insort(anchors, anchor, key=rows_before)
        if len(self._lists) > MAX_LISTS:
            self._lists.popitem(last=False)


def rows_before(anchor: Anchor) -> int:
    """Return how many rows stand before *anchor*."""
    return anchor[0]
