import pytest

from app.rate_limit import MAX_WORKSPACES, RateLimit, RateLimitExceededError


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_passes_and_what_follows_learns_when_to_retry(clock: Clock) -> None:
    limit = RateLimit(rate=0.5, burst=3, clock=clock)
    for _ in range(3):
        limit.take("demo")
    with pytest.raises(RateLimitExceededError) as refused:
        limit.take("demo")
    assert refused.value.retry_after == 2


def test_after_the_time_that_was_said_one_request_passes_and_not_two(clock: Clock) -> None:
    limit = RateLimit(rate=0.5, burst=1, clock=clock)
    limit.take("demo")
    clock.now += 2
    limit.take("demo")
    with pytest.raises(RateLimitExceededError):
        limit.take("demo")


def test_a_long_rest_saves_up_no_more_than_the_burst(clock: Clock) -> None:
    limit = RateLimit(rate=10, burst=2, clock=clock)
    limit.take("demo")
    clock.now += 3600
    limit.take("demo")
    limit.take("demo")
    with pytest.raises(RateLimitExceededError):
        limit.take("demo")


def test_one_workspace_takes_nothing_from_another(clock: Clock) -> None:
    limit = RateLimit(rate=1, burst=1, clock=clock)
    limit.take("a")
    limit.take("b")
    with pytest.raises(RateLimitExceededError):
        limit.take("a")


def test_a_burst_below_one_still_lets_single_requests_through(clock: Clock) -> None:
    RateLimit(rate=0.1, burst=0.1, clock=clock).take("demo")


def test_the_number_of_buckets_is_limited_and_the_least_recent_is_dropped(clock: Clock) -> None:
    limit = RateLimit(rate=0.001, burst=1, clock=clock)
    for number in range(MAX_WORKSPACES + 1):
        limit.take(f"w{number}")
    limit.take("w0")
    with pytest.raises(RateLimitExceededError):
        limit.take(f"w{MAX_WORKSPACES}")
