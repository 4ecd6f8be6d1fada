"""Finds keys of providers in texts that everybody may see, by the formats of secret fields.

A format that neither words nor ids of pages have (`SG.…`, `SK…`) is found in any text. A run of
letters and digits without such a mark is a key only at its own provider, and not in the path of a
link, as ids of pages look the same. What a short word may be is never found.
"""

import re
from collections.abc import Iterable, Mapping

from app.providers.lookalikes import WORDS
from app.secrets.links import without_paths
from domain.integration import SECRET_FIELDS
from domain.provider import Provider, ProviderField, Providers

LENGTHS = range(1, 129)  # characters that a key may have
MISSING = 2  # characters that are lost when a key is not selected to its end
MIN_RUN_LENGTH = 20  # characters; shorter ones are words too often
START, END = r"(?<![^\W_])", r"(?![^\W_])"
WORD = r"[^\W\d_]+\d{0,4}|\d{1,8}"  # prod, eu1, 2026
HEXADECIMAL = "0123456789abcdef" * 4
# What words, numbers and ids of pages look like: of 32, 40 and 64 hexadecimal digits, and UUIDs.
ORDINARY = (
    *(letter * length for letter in "zZ" for length in LENGTHS),
    *("0" * length for length in range(1, MIN_RUN_LENGTH)),
    *(HEXADECIMAL[:length] for length in (32, 40, 64)),
    "01234567-89ab-4def-8123-456789abcdef",
)
# Texts that are not one long run; a format that takes one of them is none of a key alone.
NO_RUNS = (
    *WORDS,
    *((pair * length)[:length] for pair in ("z ", "z-", "z_") for length in LENGTHS),
)


class KeyFinder:
    """Finds keys of *providers*; the id of an account is none, as everybody may see it."""

    def __init__(self, providers: Providers) -> None:
        self._marked = marked_keys(providers, missing=MISSING)
        self._own = {type_: own_keys(provider) for type_, provider in providers.items()}

    def find(self, text: str, provider: Provider) -> str | None:
        """Return a key in the *text* of an integration of *provider*; None if there is none."""
        found = self._marked.search(text) or self._own[provider.type].search(without_paths(text))
        return found[0] if found else None


def marked_keys(
    providers: Providers, *, with_ids: bool = False, missing: int = 0
) -> re.Pattern[str]:
    """Return what finds keys of all *providers* that have a mark; ids of accounts if *with_ids*.

    A few characters may be *missing* at their ends.
    """
    fields = [field for provider in providers.values() for field in secret_fields(provider)]
    keys = {cut_short(field.format or "", missing) for field in fields if has_mark(field)}
    ids = {cut_short(field.public_format, missing) for field in fields if field.public_format}
    no_id = "" if with_ids or not ids else f"(?!{any_of(sorted(ids))}{END})"
    return re.compile(f"{START}{no_id}{any_of(sorted(keys))}{END}")


def cut_short(format_: str, missing: int) -> str:
    """Return a *format_* that ends with ten characters or more so that some may be *missing*."""
    return re.sub(r"\{(\d\d+)\}$", lambda end: f"{{{int(end[1]) - missing},{end[1]}}}", format_)


def own_keys(provider: Provider) -> re.Pattern[str]:
    """Return what finds keys of *provider* that have no mark, also with words joined to them.

    A digit stands before a letter in them, and they are no part of base64url.
    """
    fields = [*secret_fields(provider)]
    marked = [field.format or "" for field in fields if has_mark(field)]
    runs = sorted({f.format or "" for f in fields if is_run(f) and not has_mark(f)})
    words = any_of([WORD, *marked])
    return re.compile(
        rf"(?<![\w-])[-_]*(?:{words}[-_]+)*(?=[\w-]*[0-9][A-Za-z]){any_of(runs)}"
        rf"(?:[-_]+{words})*[-_]*(?![\w-])"
    )


def secret_fields(provider: Provider) -> list[ProviderField]:
    """Return the fields of *provider* whose values are keys of one form."""
    fields: Mapping[str, ProviderField] = {**provider.fields}
    given = (fields[name] for name in SECRET_FIELDS if name in fields)
    return [field for field in given if field.format and " " not in field.example]


def has_mark(field: ProviderField) -> bool:
    """Return whether the format of *field* is one that nothing ordinary has."""
    return not matches_any(field.format or "", ORDINARY)


def is_run(field: ProviderField) -> bool:
    """Return whether the format of *field* is that of a long run of letters and digits."""
    return not matches_any(field.format or "", NO_RUNS)


def matches_any(format_: str, texts: Iterable[str]) -> bool:
    """Return whether one of *texts* has the *format_*."""
    return any(re.fullmatch(format_, text) for text in texts)


def any_of(patterns: Iterable[str]) -> str:
    """Return the pattern of one of *patterns*; nothing matches none."""
    return f"(?:{'|'.join(f'(?:{pattern})' for pattern in patterns) or '(?!)'})"
