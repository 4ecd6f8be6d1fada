"""A process that uses the embedded server, for the drills: a command a line, an answer a line."""

import json
import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import psycopg

from app.database.embedded import EmbeddedServer, EmbeddedServerError, open_embedded

Answer = dict[str, Any]


def tell(answer: Answer) -> None:
    print(json.dumps(answer, default=str), flush=True)  # noqa: T201 # it is the protocol


def run(server: EmbeddedServer, text: str) -> Answer:
    """Run *text* on a connection of its own."""
    try:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            cursor = connection.execute(cast("Any", text))
            return {"rows": cursor.fetchall() if cursor.description else []}
    except psycopg.Error as error:
        return {"error": str(error)}


def write_on(server: EmbeddedServer) -> None:
    """Insert one row a commit, and tell each number after its commit, until the server is gone."""
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS acknowledged (number bigserial)")
        with suppress(psycopg.Error):
            while True:
                row = connection.execute("INSERT INTO acknowledged DEFAULT VALUES RETURNING number")
                tell({"stored": row.fetchall()[0][0]})
    tell({})


def live_on_in_a_child() -> Answer:
    """Leave the rest to a fork of ourselves."""
    if os.fork():
        os._exit(0)
    return {"pid": os.getpid()}


def obey(server: EmbeddedServer, command: str, text: str) -> None:
    match command:
        case "sql":
            tell(run(server, text))
        case "busy":
            threading.Thread(target=run, args=(server, text), daemon=True).start()
            tell({})
        case "write":
            write_on(server)
        case _:
            tell(live_on_in_a_child())


def lines() -> Iterator[str]:
    """Yield the lines of stdin; a Ctrl-C just before a wait is heard of after it: it is short."""
    line = "begun"
    while line:
        if select.select([sys.stdin], [], [], 0.1)[0] and (line := sys.stdin.readline()):
            yield line


def main() -> None:
    try:
        server = open_embedded(Path(sys.argv[1]), durable=sys.argv[2] == "durable")
    except EmbeddedServerError as error:
        tell({"error": str(error)})
        return
    with server:
        tell({"dsn": server.dsn})
        for line in lines():
            obey(server, *json.loads(line))


main()
