"""Measures the service, the log and the audit proofs."""
