"""Run a keeper: `python -m app.database.embedded DIRECTORY durable|throwaway [PROGRAMS]`."""

from app.database.embedded.keeper import main

main()
