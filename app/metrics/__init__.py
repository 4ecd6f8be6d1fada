"""What the service tells of itself at /metrics."""
