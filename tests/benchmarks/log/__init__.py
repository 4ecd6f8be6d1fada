"""Measures the event log, its rebuild and its replay; docs/benchmarks-log.md."""
