"""Backups of an installation, and their restore."""
