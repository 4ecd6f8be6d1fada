"""Signing in to the console: codes of links that count once, and sessions."""
