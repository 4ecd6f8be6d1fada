"""The supervisor says when all workers are ready, however long that takes."""

import signal
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.supervisors.multiprocess import Multiprocess

from app import worker_supervisor as module
from app.server import uvicorn_config
from app.worker_supervisor import WorkerSupervisor


class Late:
    """A worker that is ready when it has been asked so many times."""

    pid = None

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.process = self

    def is_alive(self) -> bool:
        return True

    def ping(self, timeout: float) -> bool:
        return timeout > 0

    def is_ready(self, timeout: float) -> bool:
        self.looks -= timeout > 0
        return self.looks <= 0


@pytest.fixture
def supervisor_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., WorkerSupervisor]:
    """A supervisor of given workers, which takes no signals."""
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.001)
    monkeypatch.setattr(module, "drop_dead_gauges", len)

    def take_none(*_: object) -> None:
        pass

    monkeypatch.setattr(signal, "signal", take_none)

    def make(ready: Callable[[], None], *workers: Any) -> WorkerSupervisor:
        def begin(on: Multiprocess) -> None:
            on.processes.extend(workers)

        monkeypatch.setattr(Multiprocess, "init_processes", begin)
        return WorkerSupervisor(uvicorn_config("app.server:create_worker_app", 2), [], ready)

    return make


def test_it_reports_once_when_the_last_worker_is_ready(
    supervisor_of: Callable[..., WorkerSupervisor],
) -> None:
    said: list[str] = []
    slow = Late(looks=50)

    supervisor_of(lambda: said.append(f"{slow.looks} looks left"), Late(1), slow).init_processes()

    assert said == ["0 looks left"]


def test_a_stop_signal_during_the_start_of_workers_stops_it_without_a_report(
    supervisor_of: Callable[..., WorkerSupervisor],
) -> None:
    said: list[str] = []
    supervisor = supervisor_of(lambda: said.append("ready"), Late(looks=10**9))
    supervisor.signal_queue.append(signal.SIGTERM)

    supervisor.init_processes()

    assert (said, supervisor.should_exit.is_set()) == ([], True)
