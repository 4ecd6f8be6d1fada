"""Faults under load, and the checker that tells what they broke; the command scripts/faults."""
