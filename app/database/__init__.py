"""The PostgreSQL below everything: embedded or given."""
