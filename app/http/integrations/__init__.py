"""The resource `integrations`: its endpoints, bodies, commands, list and responses."""
