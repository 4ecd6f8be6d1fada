"""A parser as a fuzzer sees it: it reads bytes, and raises nothing but known refusals."""

import re
import time
from collections.abc import Callable, Iterator

from msgspec import Struct

from app.http.errors import InvalidFieldsError
from app.http.field_rules import FieldError
from app.locales.catalogues import load_catalogues

MAX_SECONDS = 1.0  # seconds of this process's time for one input
MIN_LEAK_LENGTH = 8  # characters that a refusal may share with what it refuses
MESSAGES = frozenset(load_catalogues().english.messages)
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")


class FindingError(Exception):
    """A parser broke a promise."""


class Target(Struct, frozen=True, kw_only=True):
    """One parser: `read` takes bytes and raises nothing but `refusals`.

    `examples` are where mutation starts, `words` what the grammar is made of. A refusal repeats
    nothing of its input but plain names and what is `known` beforehand; a parser that is not
    `discreet` reads what holds no secret, and reports in full what is wrong with it. atheris tries
    at most `longest` bytes, fewer where a parser is slow; what is larger is tried in CI.
    """

    name: str
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...] = ()
    examples: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    known: tuple[str, ...] = ()
    discreet: bool = True
    longest: int = 8_192

    def feed(self, data: bytes) -> bool:
        """Read *data*; return whether it was accepted.

        Raises:
            FindingError: a refusal repeats its input, or reading took too long.
            Exception: what the parser does not say that it raises.
        """
        started, accepted = time.process_time(), True
        try:
            self.read(data)
        except self.refusals as refusal:
            accepted = False
            self._require_discreet(refusal, data)
        if (seconds := time.process_time() - started) > MAX_SECONDS:
            message = f"{self.name} took {seconds:.1f} s for {len(data)} bytes"
            raise FindingError(message)
        return accepted

    def _require_discreet(self, refusal: Exception, data: bytes) -> None:
        if not self.discreet:
            return
        source = data.decode(errors="replace")
        for run in (run for text in own_texts(refusal) for run in leaked_substrings(text, source)):
            is_known = any(run in text for text in self.known)
            if not is_known and not PLAIN_NAME.fullmatch(run.strip()):
                message = f"{type(refusal).__name__} repeats its input: {run!r}"
                raise FindingError(message) from refusal


def own_texts(refusal: Exception) -> set[str]:
    """Return the texts of *refusal*, its message and its details, but for those known beforehand.

    What two texts only make together, one behind the other, is not repeated.
    """
    findings = refusal.findings if isinstance(refusal, InvalidFieldsError) else []
    if isinstance(refusal, FieldError):
        findings = [(None, refusal.problem)]
    texts = {str(refusal), *(name or "" for name, _ in findings)}
    for _, problem in findings:
        texts |= {problem.code, problem.message, *map(str, problem.limits.values())}
    return texts - MESSAGES - {type(refusal).__doc__}


def leaked_substrings(text: str, source: str) -> Iterator[str]:
    """Yield the longest runs of at least RUN characters of *text* that are in *source* too."""
    start = 0
    while start + MIN_LEAK_LENGTH <= len(text):
        end = start + MIN_LEAK_LENGTH
        if text[start:end] not in source:
            start += 1
            continue
        while end < len(text) and text[start : end + 1] in source:
            end += 1
        yield text[start:end]
        start = end


def require(holds: bool, promise: str) -> None:
    """Raise FindingError with the *promise* unless it *holds*."""
    if not holds:
        raise FindingError(promise)
