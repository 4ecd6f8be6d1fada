"""The HTTP API: controllers, the envelope of responses, problems."""
