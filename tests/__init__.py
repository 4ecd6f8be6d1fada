"""Tests, and the harness for faults, fuzzing and benchmarks."""
