"""What is true: the aggregate, its commands and events; standard library and msgspec only."""
