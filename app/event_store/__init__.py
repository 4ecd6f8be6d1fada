"""The event log: how it is written, read and followed."""
