"""Is a text random, as keys are, or made of words, as names are?

A key of 32 bytes is 43 characters of base64: one token, two pieces, or pieces of one length, as
programs and pages wrap it. What chance makes (capitals within words, letters behind digits, letters
alone, rare ones) counts for a key; what names have (small vowels, signs) counts against it.
"""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

SCALAR = 43  # characters of 32 bytes in base64 without padding
TOKEN = re.compile(rf"[\w+/-]{{{SCALAR},}}", re.ASCII)
ID = re.compile(r"[A-Z0-9_-]{16,}")  # as a ULID; so long a part of a key has small letters
NO_BASE64 = re.compile(r"[^A-Za-z0-9+/_-]+")
# By their length; the last may be shorter.
PIECES = {
    size: re.compile(
        rf"(?<![A-Za-z0-9])[\w+/-]{{{size}}}([ +/_-]{{1,3}})"
        rf"(?:[\w+/-]{{{size}}}\1){{{(SCALAR - 1) // size - 1}}}"
        rf"[\w+/-]{{{(SCALAR - 1) % size + 1}}}(?![A-Za-z0-9])",
        re.ASCII,
    )
    for size in range(1, SCALAR // 2 + 2)
}
AROUND = 3  # characters of a word, directly next to one of two pieces
SHORT_PIECE, MAX_SIGNS = 8, 3  # characters; signs in what longer pieces make
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
    """Yield what may be a key in *text*: long tokens, two pieces, and pieces of one length."""
    yield from TOKEN.findall(text)
    for first, second in pairwise(NO_BASE64.split(text)):
        is_whole = len(first) + len(second) in range(SCALAR, SCALAR + AROUND + 1)
        if is_whole and not (ID.fullmatch(first) or ID.fullmatch(second)):
            yield first + second
    yield from joined_pieces(text)


def joined_pieces(text: str, longest: int = SCALAR) -> Iterator[str]:
    """Yield what pieces of one length, at most *longest*, make in *text* if it is a key's length.

    The sign that cuts long pieces is rare in them, unlike in names.
    """
    text = NO_BASE64.sub(" ", text)
    for size, pattern in PIECES.items():
        if size > longest:
            return
        for found in pattern.finditer(text):
            starts = range(0, len(found[0]), size + len(found[1]))
            key = "".join(found[0][at : at + size] for at in starts)
            if size <= SHORT_PIECE or key.count(found[1].strip() or " ") <= MAX_SIGNS:
                yield key


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
