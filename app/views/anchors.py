"""Where numbered pages begin: remembered, so that a far page costs what a near one costs."""

from bisect import bisect_right, insort
from collections import OrderedDict

from app.views.list_queries import Key, ListFilter, SortOrder

MAX_LISTS = 256  # sorted lists that are remembered
MAX_ANCHORS_PER_LIST = 4096  # places remembered of each

Anchor = tuple[int, Key]  # rows before it, the key of the last of them


class Anchors:
    """Remembers, of a list in one state of its workspace, after which key its rows go on.

    *state* is the workspace's last history sequence: any change makes another list of it, so
    that a remembered place is never wrong. The least recently used lists are forgotten.
    """

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[ListFilter, SortOrder, int], list[Anchor]] = OrderedDict()

    def nearest(
        self, selection: ListFilter, order: SortOrder, state: int, rows: int
    ) -> tuple[int, Key | None]:
        """Return the nearest known place with at most *rows* before it; the start has none."""
        places = self._lists.get((selection, order, state), [])
        index = bisect_right(places, rows, key=rows_before)
        return places[index - 1] if index else (0, None)

    def remember(self, selection: ListFilter, order: SortOrder, state: int, place: Anchor) -> None:
        """Keep *place* of the list."""
        list_key = (selection, order, state)
        places = self._lists.setdefault(list_key, [])
        self._lists.move_to_end(list_key)
        if len(places) < MAX_ANCHORS_PER_LIST and place not in places:
            insort(places, place, key=rows_before)
        if len(self._lists) > MAX_LISTS:
            self._lists.popitem(last=False)


def rows_before(place: Anchor) -> int:
    """Return how many rows stand before *place*."""
    return place[0]
