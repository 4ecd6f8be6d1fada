"""Every parser, fed with valid, nearly valid and hostile input: the short form of scripts/fuzz."""

import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzzing.mutation import HOSTILE, mutate
from tests.fuzzing.registry import TARGETS
from tests.fuzzing.target import Target

MAX_BODY = 65_536  # bytes: no body of a request is longer
PEAK_MEMORY = 24 * 1024 * 1024  # bytes that reading so much may take for a moment


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Target:
    """Each parser in turn."""
    return TARGETS[request.param]


def test_each_target_has_an_example_that_is_taken(target: Target) -> None:
    taken = [target.feed(example) for example in target.examples]

    assert True in taken


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("authorization", b"aBearer h."),
        ("body-toggle", b'{"\'isActiveee": 0, "e": 0}'),
        ("body-create", b'{"type":"TWILIO, ","channel":"SMS"}'),
        ("body-change", b'{"ssee9e": 0, "nessee9e UNK": 0}'),
        ("query-as-of", b"asOf=2&asOf22222222222=1&222222222"),
        ("vault-address", b"vault+https:I vault+http://localhost"),
        ("query-proof", b"from1&=&2m==Erom=121"),
        ("replay-moment", b" 2026-11-05T0"),
        ("settings", b"PRO99s99999999999999999IDERS=i"),
        ("settings", b"PPORT=800\nWORKERS../../etc2"),
    ],
)
def test_words_of_our_own_that_the_engine_hit_upon_are_no_finding(name: str, data: bytes) -> None:
    TARGETS[name].feed(data)


@given(st.data())
@settings(
    max_examples=120,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_breaks_a_parser(target: Target, data: st.DataObject) -> None:
    example = data.draw(st.sampled_from(target.examples))
    seed = data.draw(st.integers(0, 2**32))

    target.feed(mutate(example, target.words, seed))


@given(noise=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)))
@settings(
    max_examples=30,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_noise_breaks_no_parser(target: Target, noise: bytes) -> None:
    target.feed(noise)


def test_what_is_large_takes_no_time(target: Target) -> None:
    for piece in (*HOSTILE[1:], *target.words, target.examples[0]):
        target.feed(fill_middle(target.examples[0], piece))


def test_what_is_large_takes_no_memory(target: Target) -> None:
    for piece in (b'"', b"[", b'{"a":', b"A", target.examples[0]):
        large = fill_middle(target.examples[0], piece)
        tracemalloc.start()
        target.feed(large)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < PEAK_MEMORY, piece[:20]


def fill_middle(example: bytes, piece: bytes) -> bytes:
    """Return *example* with so many of *piece* in its middle that it is as large as can be."""
    middle = len(example) // 2
    return example[:middle] + piece * (MAX_BODY // len(piece)) + example[middle:]
