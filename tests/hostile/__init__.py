"""Hostile values in every field, parameter, header and claim, and how long each takes."""
