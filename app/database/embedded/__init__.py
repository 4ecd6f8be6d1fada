"""A PostgreSQL of our own, shared by the processes of one data directory, stopped with the last."""

from app.database.embedded.errors import EmbeddedServerError
from app.database.embedded.server import EmbeddedServer, open_embedded

__all__ = ["EmbeddedServer", "EmbeddedServerError", "open_embedded"]
