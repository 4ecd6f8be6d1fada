"""What runs: the event log, views, secrets and the HTTP API; imports domain and projections."""
