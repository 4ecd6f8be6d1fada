"""Every stored projection by name, for a rebuild and for the write path."""

from projections.integration_view import integration_view

PROJECTIONS = {integration_view.name: integration_view}
