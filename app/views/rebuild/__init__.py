"""Rebuilds views from the log while the service runs (docs/rebuild.md)."""
