"""One TOML file a provider type, and what is read from them."""
