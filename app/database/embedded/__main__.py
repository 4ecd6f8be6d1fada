"""Run a keeper: `python -m app.database.embedded HOME durable|throwaway`."""

from app.database.embedded.keeper import main

main()
