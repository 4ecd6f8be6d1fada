"""Measures the service and a peer over HTTP in one run; started by scripts/benchmark."""
