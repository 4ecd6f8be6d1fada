"""Secrets: the type that hides them, how they are sealed, and the keys that seal them."""
