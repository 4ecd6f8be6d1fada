"""The event log; the only package that imports eventsourcing."""
