"""Language tags of RFC 5646 (BCP 47): their grammar, and the fallbacks of a tag."""

import re
from collections.abc import Iterator

MAX_TAG_LENGTH = 64
"""In characters; RFC 5646 section 4.4.1 requires at least 35."""

# RFC 5646 section 2.1, with the names of its rules. The "regular" grandfathered tags
# (zh-min-nan, art-lojban, …) match `langtag` and need no list.
LANGUAGE_OR_PRIVATE = r"""
    (?: # langtag
        (?: [A-Za-z]{2,3} (?: -[A-Za-z]{3} ){0,3} | [A-Za-z]{4,8} )  # language and extlang
        (?: -[A-Za-z]{4} )?                                          # script
        (?: -(?: [A-Za-z]{2} | [0-9]{3} ) )?                         # region
        (?: -(?: [A-Za-z0-9]{5,8} | [0-9][A-Za-z0-9]{3} ) )*         # variant
        (?: -[0-9A-WYZa-wyz] (?: -[A-Za-z0-9]{2,8} )+ )*             # extension
        (?: -[Xx] (?: -[A-Za-z0-9]{1,8} )+ )?                        # privateuse
    )
    | [Xx] (?: -[A-Za-z0-9]{1,8} )+                                  # privateuse
    """
IRREGULAR = r"""
    en-gb-oed | sgn-(?: be-fr | be-nl | ch-de )
    | i-(?: ami | bnn | default | enochian | hak | klingon | lux | mingo | navajo | pwn
          | tao | tay | tsu )
    """
WELL_FORMED = re.compile(
    f"{LANGUAGE_OR_PRIVATE} | {IRREGULAR}", re.VERBOSE | re.IGNORECASE | re.ASCII
)
PATTERN = re.sub(r"#.*|\s", "", f"^(?:{LANGUAGE_OR_PRIVATE})$")
"""The supported tags, except a few irregular ones, as an ECMA-262 pattern in one line."""


def is_well_formed(tag: str) -> bool:
    """Return whether *tag* follows RFC 5646 section 2.1 and has at most MAX_TAG_LENGTH characters.

    Subtags are not looked up in IANA's registry: `qq-ZZ` is well-formed.
    """
    return len(tag) <= MAX_TAG_LENGTH and WELL_FORMED.fullmatch(tag) is not None


def fallbacks(tag: str) -> Iterator[str]:
    """Yield *tag* and its prefixes: `zh-Hant-TW`, `zh-Hant`, `zh` (RFC 4647 section 3.4).

    A tag cut down to a single-letter subtag loses that letter too: `de-x-goethe`, `de`.
    """
    subtags = tag.split("-")
    while subtags:
        yield "-".join(subtags)
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:
            subtags.pop()
