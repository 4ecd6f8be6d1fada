"""Where the rows of projections live."""
