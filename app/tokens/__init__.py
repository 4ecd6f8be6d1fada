"""Authentication: bearer tokens, the keys that verify them, and the permissions they grant."""
