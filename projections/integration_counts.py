"""How many integrations there are, by type and state: counted as they change, not when asked."""

from collections.abc import Iterator

from projections.integration_view import IntegrationRow

Kind = tuple[str, bool]  # type, is_active


def steps(
    before: IntegrationRow | None, after: IntegrationRow | None
) -> Iterator[tuple[Kind, int]]:
    """Yield of which kinds there is one more, or one fewer, once a row became another."""
    old, new = kind_of(before), kind_of(after)
    if old == new:
        return
    if old is not None:
        yield old, -1
    if new is not None:
        yield new, 1


def kind_of(row: IntegrationRow | None) -> Kind | None:
    """Return what *row* is counted under."""
    return None if row is None else (row.type, row.is_active)
