"""Bad input made from valid input by a few edits, some with bytes that often break parsers."""

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

MAX_INPUT = 80_000  # bytes; bodies end at 64 KiB
CANARY = b"zq:Canary-7f3a/secret+value"
"""Not a plain name, and in no message of ours: if it comes back, a message repeated its input."""
HOSTILE = (
    *(b"", b"\0", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\r\n", b"\n\n", b"\t", b" " * 999),
    *(b"\\ud800", b"\\u0000", b"\\udfff\\ud800", b"%00", b"%ff", b"%ED%A0%80", b"%25", b"+"),
    *(b"0", b"-1", b"1e999", b"-1e-999", b"NaN", b"Infinity", b"9" * 20, b"9" * 5_000, b"0x1f"),
    *(b"null", b"true", b"[]", b"{}", b"[" * 3_000, b'{"a":' * 3_000, b"(" * 300, b'"', b"'"),
    *("\u202e\u2028\u0130\u0661\U0001f600".encode(), "\ufeff".encode(), b"A" * 9_000, CANARY),
    *(b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"2024-02-30", b"../../etc"),
)
VALUES = (
    *(b"null", b"true", b"0", b"-0", b"1.5", b"1e400", b"9" * 30, b"9" * 5_000, b'""', b"[]"),
    *(b"{}", b'"\\ud800"', b'"\\u0000"', b'"' + CANARY + b'"', b"[" * 99 + b"]" * 99, b"NaN"),
    *(b'"' + b"k" * 8_193 + b'"', b'"1"', b'["' + CANARY + b'"]', b'{"a":1,"a":2}'),
)
MARK = "\ue000"  # stands where a value is to be put; no example has it


def mutate(data: bytes, words: Sequence[bytes], seed: int) -> bytes:
    """Return *data* with one to four edits; which, *seed* decides."""
    random = Random(seed)  # noqa: S311 — bad input need not be a secret
    for _ in range(random.randint(1, 4)):
        edit: Edit = random.choice(EDITS)
        data = edit(data, words, random)[:MAX_INPUT]
    return data


Edit = Callable[[bytes, Sequence[bytes], Random], bytes]


def insert_atom(data: bytes, words: Sequence[bytes], random: Random) -> bytes:
    """Replace a slice with something hostile, or with a word of the grammar."""
    start, end = random_slice(data, random)
    return data[:start] + random.choice((*HOSTILE, *words, *words)) + data[end:]


def delete_slice(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    """Delete a slice."""
    start, end = random_slice(data, random)
    return data[:start] + data[end:]


def repeat_slice(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    """Repeat a slice, a few times or very often."""
    start, end = random_slice(data, random)
    return data[:end] + data[start:end] * random.choice((1, 1, 2, 9, 900)) + data[end:]


def replace_byte(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    """Change one byte."""
    at = random.randrange(len(data) + 1)
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def replace_value(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    """Replace a value anywhere in a JSON document; return other input unchanged."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return data
    places = [*json_locations(document)]
    if not places:
        return random.choice(VALUES)
    holder, key = random.choice(places)
    holder[key] = MARK
    if isinstance(holder, dict) and random.random() < 0.2:
        holder[f"{key} "] = MARK
    text = json.dumps(document, ensure_ascii=False).encode(errors="replace")
    return text.replace(f'"{MARK}"'.encode(), random.choice(VALUES))


def json_locations(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every location in a JSON document: its container, and its key or index there."""
    if type(holder) not in (dict, list):
        return
    keys: list[Any] = [*holder] if type(holder) is dict else [*range(len(holder))]
    for key in keys:
        yield holder, key
        yield from json_locations(holder[key])


def random_slice(data: bytes, random: Random) -> tuple[int, int]:
    """Return the start and end of a slice of *data*; most are short, and some are empty."""
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((0, 0, 1, 2, 4, 8, 16, 64, 9_999)))


EDITS: tuple[Edit, ...] = (
    insert_atom,
    delete_slice,
    repeat_slice,
    replace_byte,
    replace_value,
    replace_value,
)
