"""Each scenario sends what its name says, and each toggle changes something."""

from collections import Counter

from tests.benchmarks.http.scenarios import (
    ON_OFF,
    PATH,
    Request,
    SeedData,
    Workspace,
    mix,
    toggle,
)

FILLED = SeedData(
    [Workspace("token-a", ["int_1", "int_2"]), Workspace("token-b", ["int_3", "int_4"])],
    ["token-c", "token-d"],
)


def test_toggling_switches_each_off_before_it_switches_the_first_on_again() -> None:
    requests = toggle(FILLED)

    half = len(requests) // 2
    assert {request.body for request in requests[:half]} == {ON_OFF[False]}
    assert {request.body for request in requests[half:]} == {ON_OFF[True]}
    assert [request.path for request in requests[:half]] == [
        request.path for request in requests[half:]
    ]
    assert {request.path for request in requests} == {
        f"{PATH}/int_{number}/toggle" for number in (1, 2, 3, 4)
    }


def test_nine_of_ten_requests_of_the_mix_read_and_the_others_create_and_toggle() -> None:
    kinds = Counter(map(kind, mix(FILLED)))

    assert kinds == {"get": 56, "list": 16, "create": 4, "toggle": 4}


def test_the_mix_toggles_each_way_in_turn_and_creates_nothing_in_the_lists_it_reads() -> None:
    requests = mix(FILLED)

    switched = [request for request in requests if kind(request) == "toggle"]
    assert [request.body for request in switched] == [ON_OFF[False]] * 2 + [ON_OFF[True]] * 2
    created = [request.token for request in requests if kind(request) == "create"]
    assert set(created) == set(FILLED.writers)


def kind(request: Request) -> str:
    """Return which scenario the request is of."""
    if request.path.endswith("/toggle"):
        return "toggle"
    if request.method == "POST":
        return "create"
    return "list" if request.path == PATH else "get"
