"""Tamper evidence: the Merkle tree over the log, its proofs, and the checkpoints signed over it."""
