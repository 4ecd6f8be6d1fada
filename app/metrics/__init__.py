"""Metrics of the service, at /metrics."""
