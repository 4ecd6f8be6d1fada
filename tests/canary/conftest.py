"""Canaries: secrets with a mark that is looked for in every byte, however it may be written."""

import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from msgspec import Struct

Find = Callable[[bytes], list[str]]


def spellings_of(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the ways in which *raw* may stand in bytes: so, UTF-16, hex, base64 anywhere."""
    yield "raw", raw
    for encoding in ("utf-16-le", "utf-16-be"):
        yield encoding, raw.decode("latin-1").encode(encoding)
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    for name, once in in_base64(raw):
        yield name, once
        for outer, twice in in_base64(once):  # as a token's claims are, whose values may be, too
            yield f"{name} in {outer}", twice


def in_base64(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what *raw* is in base64, by what stands before it."""
    for kind, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
        for offset in range(3):
            # Characters that depend on the neighbours of the mark are cut off.
            whole = len(raw[(3 - offset) % 3 :]) // 3 * 3
            start = (3 - offset) % 3
            yield f"{kind} after {offset}", encode(raw[start : start + whole])


class Hidden(Struct, frozen=True):
    """Bytes that are looked for, however they are spelt."""

    raw: bytes

    def found_in(self, data: bytes) -> list[str]:
        """Return in which spellings they stand in *data*."""
        return [name for name, spelling in self.spellings if spelling in data]

    @property
    def spellings(self) -> list[tuple[str, bytes]]:
        """Their spellings, each of them once."""
        names = {spelling: name for name, spelling in [*spellings_of(self.raw)][::-1]}
        return [(name, spelling) for spelling, name in names.items()]

    def found_under(self, folder: Path) -> dict[str, list[str]]:
        """Return the files under *folder* that hold them, and how they are spelt there."""
        files = [path for path in folder.rglob("*") if path.is_file()]
        found = {str(path.relative_to(folder)): self.found_in(content_of(path)) for path in files}
        return {name: spellings for name, spellings in found.items() if spellings}


def content_of(path: Path) -> bytes:
    """Return what is in the file *path*, nothing where the server has removed it meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


class Canaries(Hidden, frozen=True):
    """Secrets that hold one and the same mark, each of them once."""

    numbers: Iterator[int]

    def new(self) -> str:
        """Return a secret that was never given out before."""
        return f"{self.raw.decode()}-{next(self.numbers)}"


def new_canaries() -> Canaries:
    """Return canaries with a mark of 24 characters that stands nowhere else."""
    return Canaries(b"CANARY" + secrets.token_hex(9).encode(), count(1))


# All that a server can say: every statement with its parameters, every error with its details.
TALKATIVE = {
    "log_statement": "all",
    "log_parameter_max_length": "-1",
    "log_parameter_max_length_on_error": "-1",
    "log_min_error_statement": "error",
    "log_min_messages": "info",
    "log_error_verbosity": "verbose",
}


@pytest.fixture
def make_talkative() -> Callable[[psycopg.Connection], None]:
    """Let the server of a connection log all that it can."""

    def make_talkative(database: psycopg.Connection) -> None:
        for name, value in TALKATIVE.items():
            database.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
        database.execute("SELECT pg_reload_conf()")

    return make_talkative


@pytest.fixture
def hidden() -> type[Hidden]:
    """Any bytes, to be looked for."""
    return Hidden


@pytest.fixture
def canaries() -> Canaries:
    """The canaries of one test: not one of them may be found."""
    return new_canaries()


@pytest.fixture
def public() -> Canaries:
    """Canaries for fields that everybody may see: the negative control, which must be found."""
    return new_canaries()
