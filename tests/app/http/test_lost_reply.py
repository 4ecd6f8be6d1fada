"""A commit whose reply is lost is found by its idempotency key: one event (contract, 7)."""

import socket
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

PATH = "/en/api/integration"
BODY = {"name": "Lost", "type": "TWILIO", "channel": "SMS", "apiSecret": "sealed"}
KEY = "reply-that-is-lost"
RECORDING = f'"key":"{KEY}"'.encode()  # in what integrations.record_all is called with


class CuttingProxy:
    """Stands between service and database; cuts the connection once, after it has committed."""

    def __init__(self, folder: Path, server: str) -> None:
        self.server = server
        self.cut = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / ".s.PGSQL.5432"))
        self.listener.listen()
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                client, _ = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.server)
                Connection(self, client, server)


class Connection:
    """One connection through the proxy."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.recording = False
        Thread(target=self._forth, daemon=True).start()
        Thread(target=self._back, daemon=True).start()

    def _forth(self) -> None:
        with suppress(OSError):
            while sent := self.client.recv(65536):
                self.recording = RECORDING in sent and not self.proxy.cut
                self.server.sendall(sent)
        self._close()

    def _back(self) -> None:
        with suppress(OSError):
            while answered := self.server.recv(65536):
                if self.recording:  # autocommit: whoever answers has committed
                    self.proxy.cut += 1
                    break
                self.client.sendall(answered)
        self._close()

    def _close(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def proxy(dsn: str) -> Generator[tuple[CuttingProxy, str]]:
    """A cutting proxy before the database of this test, and the way through it."""
    direct = conninfo_to_dict(dsn)
    with TemporaryDirectory(prefix="proxy-") as folder:
        cutting = CuttingProxy(Path(folder), f"{direct['host']}/.s.PGSQL.5432")
        direct.pop("requirepeer", None)
        yield cutting, make_conninfo("", **(direct | {"host": folder}))
        cutting.listener.close()


def test_a_commit_whose_reply_is_lost_is_one_event_and_its_answer_is_kept(
    start_service: Any, data_dir: Path, dsn: str, proxy: tuple[CuttingProxy, str]
) -> None:
    cutting, way = proxy
    headers = {"Idempotency-Key": KEY}
    with start_service(data_dir, database_url=way) as service, service.caller() as client:
        lost = client.post(PATH, json=BODY, headers=headers)
        assert cutting.cut == 1
        assert (lost.status_code, lost.headers["Retry-After"]) == (503, "1")
        again = client.post(PATH, json=BODY, headers=headers)
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
        listed = client.get(PATH).json()["result"]
        assert [found["id"] for found in listed["data"]] == [again.json()["result"]["data"]["id"]]
    with psycopg.connect(dsn) as connection:
        types = connection.execute("SELECT type FROM integrations.events").fetchall()
    assert types == [("IntegrationCreated",)]
