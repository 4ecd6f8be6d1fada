"""Which strings are language tags, and what they fall back to."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.locales.language_tag import MAX_TAG_LENGTH, PATTERN, fallbacks, is_well_formed


def words(text: str) -> list[str]:
    return text.split()


# RFC 5646, appendix A: every well-formed example of it, and grandfathered tags of both kinds.
WELL_FORMED = words("""
    de fr ja i-enochian zh-Hant zh-Hans sr-Cyrl sr-Latn zh-cmn-Hans-CN cmn-Hans-CN zh-yue-HK yue-HK
    zh-Hans-CN sr-Latn-RS sl-rozaj sl-rozaj-biske sl-nedis de-CH-1901 sl-IT-nedis hy-Latn-IT-arevela
    de-DE en-US es-419 de-CH-x-phonebk az-Arab-x-AZE-derbend x-whatever qaa-Qaaa-QM-x-southern
    de-Qaaa sr-Latn-QM sr-Qaaa-RS en-US-u-islamcal zh-CN-a-myext-x-private en-a-myext-b-another
    de-a-value x-1 en-GB-oed sgn-BE-FR SGN-ch-de i-klingon I-DEFAULT art-lojban
    zh-min-nan cel-gaulish ar-a-aaa-b-bbb-a-ccc EN en-0-ab
""")

# RFC 5646, appendix A, "some invalid examples" that are malformed too, and what else gets sent.
MALFORMED = [
    *words("a-DE pt_BR en_US a i x en- -en en--US ar-a en-a-x-1 de-419-DE de-x en-abcdefghi"),
    *words("abcdefghi 12 en-US-u en-u-a-bb i-unknown sgn-BE-XX en.UTF-8 en;q=1 en,es * */* C# .."),
    *words("%2e%2e ../en en/es en%00"),
    *("", " ", "en ", " en", "en\n", "\nen", "en\x00", "e n", "en\u2013US"),
    *("ſl", "\u212ao", "\u0435n", "en-\u0661\u0662\u0663", "日本語", "\ud800", "é"),  # noqa: RUF001  look-alikes are what is tested
    "en-x-" + "-".join(["abcdefgh"] * 7),  # grammatical, but longer than we read
]


@pytest.mark.parametrize("tag", WELL_FORMED)
def test_a_tag_of_the_grammar_is_well_formed_in_any_case(tag: str) -> None:
    assert is_well_formed(tag)
    assert is_well_formed(tag.upper())
    assert is_well_formed(tag.lower())


@pytest.mark.parametrize("tag", MALFORMED, ids=ascii)
def test_anything_else_is_malformed(tag: str) -> None:
    assert not is_well_formed(tag)


@pytest.mark.parametrize("tag", WELL_FORMED + MALFORMED, ids=ascii)
def test_the_pattern_for_others_says_the_same_but_for_irregular_tags(tag: str) -> None:
    irregular = tag.lower().startswith(("i-", "en-gb-oed", "sgn-be", "sgn-ch"))

    fits = re.search(PATTERN.replace("$", r"\Z"), tag) is not None  # where ECMA's $ is no \n

    assert fits is (is_well_formed(tag) and not irregular) or len(tag) > MAX_TAG_LENGTH


def test_a_tag_may_be_as_long_as_the_limit_and_no_longer() -> None:
    longest = ("x" + "-abcdefg" * 8)[:MAX_TAG_LENGTH]

    assert len(longest) == MAX_TAG_LENGTH
    assert is_well_formed(longest)
    assert not is_well_formed(longest + "h")


@given(
    st.from_regex(re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{5,8}){0,5}", re.ASCII), fullmatch=True)
)
def test_a_language_with_any_variants_is_well_formed(tag: str) -> None:
    assert is_well_formed(tag)


def test_no_tag_takes_long_to_refuse() -> None:
    hostile = ["a-" * 40, "aa-a" + "-bb" * 19 + "-!", "aa" + "-abcde" * 10 + "-!", "a" * 10**6]

    start = time.thread_time()
    refused = [not is_well_formed(tag) for tag in hostile]

    assert all(refused)
    assert time.thread_time() - start < 1  # some microseconds each; backtracking takes years


@pytest.mark.parametrize(
    ("tag", "shorter"),
    [
        ("en", ["en"]),
        ("zh-hant-tw", ["zh-hant-tw", "zh-hant", "zh"]),
        ("de-x-goethe", ["de-x-goethe", "de"]),
        # The example of RFC 4647, section 3.4.
        (
            "zh-hant-cn-x-private1-private2",
            [
                "zh-hant-cn-x-private1-private2",
                "zh-hant-cn-x-private1",
                "zh-hant-cn",
                "zh-hant",
                "zh",
            ],
        ),
        ("x-private", ["x-private"]),
    ],
)
def test_a_tag_falls_back_to_ever_shorter_ones(tag: str, shorter: list[str]) -> None:
    assert list(fallbacks(tag)) == shorter
