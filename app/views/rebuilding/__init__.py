"""Makes views anew from the log while the service runs; docs/rebuild.md tells how."""
