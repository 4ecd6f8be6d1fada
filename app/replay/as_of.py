"""What the integrations were at a moment, from the log."""

from collections.abc import Iterable, Iterator

from app.event_store.codec import decode_envelopes
from app.event_store.reader import Chunk
from app.replay.selection import Selection
from projections.integration_view import IntegrationRow, integration_view


def integrations_as_of(
    stretches: Iterable[Chunk], selection: Selection
) -> Iterator[IntegrationRow]:
    """Yield the integrations that the wanted events of *stretches* lead to, oldest first."""
    rows: dict[tuple[str, str], IntegrationRow] = {}
    for stretch in stretches:
        for event in decode_envelopes(stretch.envelopes):
            stream = (event.workspace, event.stream)
            if selection.includes(event.at):
                row = integration_view.evolve(rows.pop(stream, None), event)
                if row is not None:
                    rows[stream] = row
    yield from sorted(rows.values(), key=lambda row: (row.created_at, row.workspace_id, row.id))
