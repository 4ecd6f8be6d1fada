"""Is a text random, as keys are, or made of words, as names are?"""

import re
from collections import Counter

SCALAR = 43  # characters of 32 bytes in base64 without padding
SIGNS = re.compile(r"[+/_-]")
# A word as names have it, with a number or two: Prod, UK, v3, 24h, B2B, K8s, 2025Q4, iOS18.
WORD_OF_NAME = re.compile(
    r"(?:[A-Z]?[a-z]+|[A-Z]+)[0-9]*|[0-9]+(?:[A-Z]*|[a-z]*)|[0-9]+[A-Za-z][0-9]+"
    r"|[A-Za-z][0-9]{1,2}[A-Za-z]|[a-z][A-Z]{2,}[0-9]*|[A-Z]{2,}[a-z]+[0-9]?"
    r"|(?:[A-Z][a-z]+){2,}[0-9]*|[A-Z][a-z]+[A-Z][0-9]*|[A-Z][a-z]{2,}[0-9][A-Z]+"
)
LONG_WORD = re.compile(r"(?=...)(?:[A-Z]?[a-z]{2,}|[A-Z]{2,})+")
BETWEEN_WORDS = re.compile(r"[^A-Za-z0-9]+")
WORDS_OF_NAME = 5
# Where a word would not change from small letters to capitals, or from letters to digits.
CHANGE = re.compile(r"(?<=[a-z])[A-Z]|(?<=[0-9])[A-Za-z]|(?<=[A-Za-z])[0-9]")
CHANGES = 8  # in 43 characters: of 1,000 keys one has less; names in CamelCase seldom as many
SMALL_LETTERS = re.compile("[a-z]{3,}")
LETTERS = 5  # capitals, and small letters: ids of small letters or capitals alone are none


def is_name(chunk: str) -> bool:
    """Return whether *chunk*, without white space, is made of words, a quarter of it long ones.

    The pieces of a key are of one length, or are no words.
    """
    words = [word for word in BETWEEN_WORDS.split(chunk) if word]
    if len(words) < WORDS_OF_NAME or not all(map(WORD_OF_NAME.fullmatch, words)):
        return False
    long = sum(len(word) for word in words if LONG_WORD.fullmatch(word))
    of_one_length = max(Counter(map(len, words)).values())
    return 4 * long >= sum(map(len, words)) and 3 * of_one_length < 2 * len(words)


def is_random(run: str) -> bool:
    """Return whether 43 characters in a row change between kinds as often as no words do."""
    letters = SIGNS.sub("", run)
    if 5 * len(letters) <= 4 * len(run):  # the signs stand between pieces of a key
        run = letters
    if min(len(re.findall("[A-Z]", run)), len(re.findall("[a-z]", run))) < LETTERS:
        return False
    changes = [change.start() for change in CHANGE.finditer(run)]
    if len(run) < 2 * SCALAR and is_words(run):
        return False
    return any(
        end - start < SCALAR and not is_words(run[start : start + SCALAR])
        for start, end in zip(changes, changes[CHANGES - 1 :], strict=False)
    )


def is_words(text: str) -> bool:
    """Return whether half of *text* is small letters, three or more in a row.

    Of 10,000 random keys eight are.
    """
    return 2 * sum(map(len, SMALL_LETTERS.findall(text))) >= len(text)
