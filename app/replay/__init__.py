"""Shows the log to people and programs: as it is, as it grows, and what it said at a time."""
