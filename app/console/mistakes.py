"""Which of the warnings of the API are of mistakes, and which of several says most."""

from collections.abc import Iterable

from app.console.api_client import Detail

# What the API only warns of, but nobody means to make public.
LIKE_KEY = "LOOKS_LIKE_PROVIDER_KEY"
# What is hardly ever meant, the most telling first: a value of another kind, or more than a key.
MISTAKES = (
    *(LIKE_KEY, "OTHER_KIND", "INCOMPLETE_ACCOUNT", "OTHER_FIELD", "SETTING_MISSING"),
    *("LOOKS_LIKE_HEADER", "LOOKS_LIKE_VARIABLE", "LOOKS_ESCAPED", "LOOKS_QUOTED"),
    *("TEXT_AROUND", "SPACE_INSIDE", "UNUSUAL_CHARACTER"),
)


def most_telling(details: Iterable[Detail]) -> list[Detail]:
    """Return one of *details* for each field: the one that says most of what is wrong."""

    def rank(detail: Detail) -> int:
        return MISTAKES.index(detail.code) if detail.code in MISTAKES else len(MISTAKES)

    found: dict[str | None, Detail] = {}
    for each in sorted(details, key=rank):
        found.setdefault(each.field, each)
    return [*found.values()]
