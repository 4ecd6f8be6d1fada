"""Faults under load, and the checker that reports what they broke; the command scripts/faults."""
