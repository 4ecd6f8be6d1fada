"""The commands of `integrations`, one a file."""
