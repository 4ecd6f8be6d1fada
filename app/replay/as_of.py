"""What the integrations were at a moment, from the log."""

from collections.abc import Iterable, Iterator

from app.log.follow import Batch
from app.log.mapper import recorded_from
from app.replay.selection import Selection
from projections.integration_view import IntegrationRow, integration_view


def integrations_as_of(batches: Iterable[Batch], selection: Selection) -> Iterator[IntegrationRow]:
    """Yield the integrations that the wanted events of *batches* lead to, oldest first."""
    rows: dict[tuple[str, str], IntegrationRow] = {}
    for batch in batches:
        for position, envelope in batch:
            event = recorded_from(position, envelope)
            stream = (event.workspace, event.stream)
            if selection.includes(event.at):
                row = integration_view.evolve(rows.pop(stream, None), event)
                if row is not None:
                    rows[stream] = row
    yield from sorted(rows.values(), key=lambda row: (row.created_at, row.workspace_id, row.id))
