"""The default of each channel, as it is shown and as workers lease by it."""

from datetime import datetime

from msgspec import Struct

from domain.aggregates import CHANNEL_DEFAULT
from domain.channel_default import DefaultChosen, DefaultCleared
from domain.envelope import Envelope
from projections.projection import Projection


class ChannelDefaultRow(Struct, frozen=True):
    """One default; the columns of the table `channel_default_view`, by the same names.

    `id` is the stream's, which ends in the channel; `version` is the entity tag.
    """

    workspace_id: str
    id: str
    version: int
    integration_id: str
    chosen_at: datetime


def evolve(row: ChannelDefaultRow | None, envelope: Envelope) -> ChannelDefaultRow | None:
    """Return the row after *envelope*; None once the channel has no default."""
    match envelope.event:
        case DefaultChosen(integration_id=chosen):
            return ChannelDefaultRow(
                workspace_id=envelope.workspace,
                id=envelope.stream,
                version=envelope.version,
                integration_id=chosen,
                chosen_at=envelope.at,
            )
        case DefaultCleared():
            return None
        case _:
            return row


channel_default_view = Projection(
    "channel_default_view", 1, ChannelDefaultRow, evolve, CHANNEL_DEFAULT
)
