"""The change feed: what is new in the log, for all who wait for it."""
