"""Every stored projection by name, for a rebuild and for the write path."""

from collections.abc import Mapping
from typing import Any

from domain.aggregates import Aggregate
from projections.channel_default_view import channel_default_view
from projections.integration_view import integration_view
from projections.projection import Projection

PROJECTIONS: dict[str, Projection[Any]] = {
    projection.name: projection for projection in (integration_view, channel_default_view)
}


def no_rows(aggregate: Aggregate) -> Mapping[str, None]:
    """Return what each projection shows of a stream of *aggregate* without events: nothing."""
    return {name: None for name, p in PROJECTIONS.items() if p.aggregate is aggregate}
