"""Every projection and journal by name, for rebuild and for the write path."""

from projections.history import history
from projections.integration_view import integration_view

PROJECTIONS = {integration_view.name: integration_view}
JOURNALS = {history.name: history}
ALL_VIEWS = (*PROJECTIONS.values(), *JOURNALS.values())
