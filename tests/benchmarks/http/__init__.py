"""Measures the service beside a peer, over HTTP, in one run; started by scripts/benchmark."""
