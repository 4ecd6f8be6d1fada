from app.views.anchors import MAX_ANCHORS_PER_LIST, MAX_LISTS, Anchors
from app.views.list_queries import ListFilter, SortOrder

DEMO, BY_TIME, BY_NAME = ListFilter(workspace="demo"), SortOrder(), SortOrder("name_key")
KEY = ("a", "int_1")


def test_nothing_known_is_the_start() -> None:
    assert Anchors().nearest(DEMO, BY_TIME, 7, 100) == (0, None)


def test_the_nearest_place_before_is_found() -> None:
    anchors = Anchors()
    for rows in (40, 20, 60):
        anchors.cache(DEMO, BY_TIME, 7, (rows, (rows, "id")))
    assert anchors.nearest(DEMO, BY_TIME, 7, 59) == (40, (40, "id"))
    assert anchors.nearest(DEMO, BY_TIME, 7, 60) == (60, (60, "id"))
    assert anchors.nearest(DEMO, BY_TIME, 7, 19) == (0, None)


def test_another_state_order_or_selection_knows_nothing_of_it() -> None:
    anchors = Anchors()
    anchors.cache(DEMO, BY_TIME, 7, (20, KEY))
    assert anchors.nearest(DEMO, BY_TIME, 8, 20) == (0, None)
    assert anchors.nearest(DEMO, BY_NAME, 7, 20) == (0, None)
    assert anchors.nearest(ListFilter(workspace="other"), BY_TIME, 7, 20) == (0, None)


def test_places_and_lists_are_bounded_and_the_least_recent_list_is_forgotten() -> None:
    anchors = Anchors()
    for rows in range(MAX_ANCHORS_PER_LIST + 5):
        anchors.cache(DEMO, BY_TIME, 0, (rows, KEY))
    assert (
        anchors.nearest(DEMO, BY_TIME, 0, MAX_ANCHORS_PER_LIST + 4)[0] == MAX_ANCHORS_PER_LIST - 1
    )
    for state in range(1, MAX_LISTS + 1):
        anchors.cache(DEMO, BY_TIME, state, (20, KEY))
    assert anchors.nearest(DEMO, BY_TIME, 0, 20) == (0, None)
    assert anchors.nearest(DEMO, BY_TIME, 1, 20) == (20, KEY)
