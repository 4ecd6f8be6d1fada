"""The example worker through everything that happens to it: no mail is lost, and none sent twice.

A real service, a worker that is a process of its own, and a stand-in of SendGrid that takes mails
with the current key alone.
"""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from clients.python.examples.outbox import Outbox
from clients.python.examples.sendgrid_stand_in import SendGrid
from clients.python.tests.conftest import Workspace
from tests.support.service import StartService
from tests.support.waiting import wait_until

CLIENT = Path(__file__).parents[1]
FIRST, SECOND = "SG.the-first-key-of-all", "SG.the-next-key-of-all"
PHASE = 15  # mails that are sent before the next thing happens


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def sendgrid() -> Iterator[SendGrid]:
    stand_in = SendGrid(FIRST)
    yield stand_in
    stand_in.close()


class Stage:
    """A service on one port, started as often as it is killed, and workers for one outbox."""

    def __init__(
        self, start: StartService, data_dir: Path, folder: Path, sendgrid: SendGrid
    ) -> None:
        self._start, self._data_dir, self._folder = start, data_dir, folder
        self._port = str(free_port())
        self._services = ExitStack()
        self.sendgrid = sendgrid
        self.start_service()
        self.workspace = Workspace(self.service, folder)
        self.integration = self.workspace.create(apiKey=FIRST)
        (folder / "token").write_text(self.workspace.token)
        self.outbox = Outbox(folder / "mails.db")
        self.mails: list[str] = []
        self.worker: subprocess.Popen[str] | None = None

    def start_service(self) -> None:
        self.service = self._services.enter_context(self._start(self._data_dir, port=self._port))

    def kill_service(self) -> None:
        self.service.process.kill()
        self.service.process.wait()

    def start_worker(self, *options: str) -> None:
        files = {"token-file": "token", "key": "worker-key.pem", "service-key": "lease-key.json"}
        arguments = {
            "service": self.service.address,
            "integration": self.integration,
            "provider": self.sendgrid.base,
            "settle-after": "3",
            **{name: str(self._folder / file) for name, file in files.items()},
            "outbox": str(self._folder / "mails.db"),
        }
        self.worker = subprocess.Popen(
            [sys.executable, str(CLIENT / "examples/sendgrid_worker.py"), *options,
             *(f"--{name}={value}" for name, value in arguments.items())],
            env={**os.environ, "PYTHONPATH": str(CLIENT)},
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def kill_worker(self) -> None:
        assert self.worker is not None
        self.worker.kill()
        self.worker.communicate()

    def send_some(self, queued: int = 3 * PHASE) -> None:
        """Queue mails, and return when some of them are sent and others are not."""
        sent = len(self.sendgrid.taken)
        self.mails += [self.outbox.add("a@example.com", "A mail", "Hello") for _ in range(queued)]
        wait_until(lambda: len(self.sendgrid.taken) >= sent + PHASE)

    def close(self) -> None:
        if self.worker is not None:
            self.kill_worker()
        self.outbox.close()
        self.workspace.admin.close()
        self._services.close()


@pytest.fixture
def stage(
    start_service: StartService, data_dir: Path, tmp_path: Path, sendgrid: SendGrid
) -> Iterator[Stage]:
    stage = Stage(start_service, data_dir, tmp_path, sendgrid)
    yield stage
    stage.close()


def test_no_mail_is_lost_and_none_is_sent_twice(stage: Stage, sendgrid: SendGrid) -> None:
    stage.start_worker()
    stage.send_some()

    # A rotation, the key at the provider first: mails wait, and then go with the next key.
    sendgrid.key = SECOND
    stage.mails.append(stage.outbox.add("a@example.com", "A mail", "Hello"))
    wait_until(lambda: sendgrid.refused > 0)
    stage.workspace.rotate(stage.integration, SECOND)
    stage.send_some()

    # The service is killed: the lease lasts.
    stage.kill_service()
    stage.send_some()

    # So is the worker, three times, each time in the middle of a mail.
    stage.start_service()
    for _ in range(3):
        stage.kill_worker()
        stage.start_worker()
        stage.send_some()

    # Switched off: the worker stops.
    stage.send_some(queued=300)
    stage.workspace.toggle(stage.integration, is_active=False)
    off = time.monotonic()
    assert stage.worker is not None
    assert stage.worker.stdout is not None
    lines = [stage.worker.stdout.readline() for _ in range(2)]
    assert lines == ["sending\n", "not sending: The integration is switched off\n"]
    stopped_after = sendgrid.times[-1] - off
    count = len(sendgrid.taken)
    time.sleep(1)
    assert len(sendgrid.taken) == count < len(stage.mails)
    assert stopped_after < 10, "a lease lasts 300 seconds"

    # On again: it continues by itself, to the end.
    stage.workspace.toggle(stage.integration, is_active=True)
    wait_until(lambda: not stage.outbox.count("queued", "claimed"))
    assert Counter(sendgrid.taken) == Counter(stage.mails)
    assert stage.outbox.count("sent") == len(stage.mails)


def test_a_second_worker_of_an_outbox_is_refused(tmp_path: Path) -> None:
    with Outbox(tmp_path / "mails.db") as first, Outbox(tmp_path / "mails.db") as second:
        first.require_alone()
        with pytest.raises(BlockingIOError):
            second.require_alone()
