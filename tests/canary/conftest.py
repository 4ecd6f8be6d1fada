"""Canaries: secrets with a mark that is looked for in every byte, however it may be written."""

import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from msgspec import Struct

Find = Callable[[bytes], list[str]]


def spellings_of(mark: str) -> Iterator[tuple[str, bytes]]:
    """Yield the ways in which *mark* may stand in bytes: raw, UTF-16, hex, base64 anywhere."""
    raw = mark.encode()
    yield "raw", raw
    for encoding in ("utf-16-le", "utf-16-be"):
        yield encoding, mark.encode(encoding)
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    for kind, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
        for offset in range(3):
            # Characters that depend on the neighbours of the mark are cut off.
            whole = len(raw[(3 - offset) % 3 :]) // 3 * 3
            start = (3 - offset) % 3
            yield f"{kind} after {offset}", encode(raw[start : start + whole])


class Canaries(Struct, frozen=True):
    """Secrets that hold one and the same mark, each of them once."""

    mark: str
    numbers: Iterator[int]

    def new(self) -> str:
        """Return a secret that was never given out before."""
        return f"{self.mark}-{next(self.numbers)}"

    def found_in(self, data: bytes) -> list[str]:
        """Return in which spellings the mark stands in *data*."""
        return [name for name, spelling in spellings_of(self.mark) if spelling in data]

    def found_under(self, folder: Path) -> dict[str, list[str]]:
        """Return the files under *folder* that hold the mark, and how it is spelt there."""
        files = [path for path in folder.rglob("*") if path.is_file()]
        found = {str(path.relative_to(folder)): self.found_in(path.read_bytes()) for path in files}
        return {name: spellings for name, spellings in found.items() if spellings}


def new_canaries() -> Canaries:
    """Return canaries with a mark of 24 characters that stands nowhere else."""
    return Canaries("CANARY" + secrets.token_hex(9), count(1))


@pytest.fixture
def canaries() -> Canaries:
    """The canaries of one test: not one of them may be found."""
    return new_canaries()


@pytest.fixture
def public() -> Canaries:
    """Canaries for fields that everybody may see: the negative control, which must be found."""
    return new_canaries()
