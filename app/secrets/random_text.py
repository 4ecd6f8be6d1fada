"""Is a text random, as keys are, or made of words, as names are?

A key of 32 bytes is 43 characters of base64. What chance makes of them (capitals within words,
letters behind digits, letters alone, rare ones) counts for a key; what names have (small vowels,
signs) counts against it.
"""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

from app.secrets.links import LINK

SCALAR = 43  # characters of 32 bytes in base64 without padding
MARK = "\0"  # stands for what was taken out of a text; nothing is found across it
TOKEN = re.compile(rf"[\w+/-]{{{SCALAR},}}", re.ASCII)
# A slash divides the parts of an address; ids of pages are as random as keys, and of other lengths.
PART_OF_LINK = re.compile(rf"(?<![\w+-])[\w+-]{{{SCALAR}}}(?![\w+-])", re.ASCII)
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
HEXADECIMAL_ID = re.compile(rf"{UUID}|(?<![0-9a-f])[0-9a-f]{{16,63}}(?![0-9a-f])", re.IGNORECASE)
NO_PIECE = re.compile(r"[^\w+/\s-]+", re.ASCII)
OTHER_ID = re.compile(r"[A-Z0-9_-]{16,}")  # as a ULID; so long a part of a key has small letters
POINTS = (
    (2, re.compile("(?<=[a-z])[A-Z]|(?<=[0-9])[A-Za-z]")),
    (2, re.compile("(?<![a-z])[a-z](?![a-z])")),
    (1, re.compile("[jkqvwxyz]", re.IGNORECASE)),  # seldom in most languages
    (-2, re.compile("[aeiou]")),
    (-3, re.compile("[+/_-]")),
)
ENOUGH = 4  # points in 43 characters: of 10,000 keys two have fewer, of names nine as many
LETTERS = 5  # capitals, and small letters: ids of small letters or capitals alone are no keys


def key_candidates(text: str) -> Iterator[str]:
    """Yield what may be a key in *text*: long tokens, two lines of one, and parts of links."""
    for address in LINK.findall(text):
        yield from PART_OF_LINK.findall(HEXADECIMAL_ID.sub(MARK, address))
    rest = HEXADECIMAL_ID.sub(MARK, LINK.sub(MARK, text))
    yield from TOKEN.findall(rest)
    for part in NO_PIECE.split(rest):
        for first, second in pairwise(part.split()):
            if len(first + second) == SCALAR and not any(map(OTHER_ID.fullmatch, (first, second))):
                yield first + second


def is_random(run: str) -> bool:
    """Return whether 43 characters in a row of *run* have as many points as no words do."""
    points = [0] * len(run)
    for worth, pattern in POINTS:
        for found in pattern.finditer(run):
            points[found.start()] += worth
    sums = [0, *accumulate(points)]
    return any(
        end - start >= ENOUGH and has_both_cases(run[at : at + SCALAR])
        for at, (start, end) in enumerate(zip(sums, sums[SCALAR:], strict=False))
    )


def has_both_cases(run: str) -> bool:
    """Return whether there are several capitals and several small letters in *run*."""
    return min(len(re.findall("[A-Z]", run)), len(re.findall("[a-z]", run))) >= LETTERS
