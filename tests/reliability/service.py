"""The service as a user starts it, `integrations serve`, to kill, stop and start."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from app.settings import read_settings
from app.tokens.local_key import open_local_key
from tests.support.service import INTEGRATIONS, environment_with, free_port

DIE_WITH_PARENT = (
    "setpriv",
    "--pdeathsig",
    "TERM",
    "--",
)  # it ends with the fault's command
START_TIMEOUT = 60.0  # seconds
AGE = 2 * 3600  # seconds: where a clock goes back an hour, no token comes from the future
TTL = 12 * 3600  # seconds
NO_PROVIDER = "SENDGRID=http://127.0.0.1:9"  # no fault calls a provider


class ServiceError(Exception):
    """The service of a fault does not start."""


class Service:
    """One service over the database *dsn*; its data and its log are in *folder*.

    *prefix* are words before its command, such as `faketime` or `ip netns exec NAME`.
    """

    def __init__(
        self,
        folder: Path,
        dsn: str,
        *,
        workers: int = 1,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.workers_wanted = workers
        self.prefix = [*prefix]
        self.log_file = folder / "service.log"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **environment_with(
                data_dir=folder,
                database_url=dsn,
                port=str(self.port),
                workers=str(workers),
                provider_urls=NO_PROVIDER,
            ),
            **(environment or {}),
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, and return when it prints its address."""
        self._hang_up()
        with self.log_file.open("a") as log:
            self.process = subprocess.Popen(
                [*DIE_WITH_PARENT, *self.prefix, *INTEGRATIONS, "serve"],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        if not self.process.stdout.readline().startswith("Listening on "):
            message = f"The service does not start: {self.log_file.read_text()[-2000:]}"
            raise ServiceError(message)

    def processes(self) -> list[psutil.Process]:
        """Return every process of the service that lives, the supervisor first."""
        if self.process is None or self.process.poll() is not None:
            return []
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]

    def workers(self) -> list[psutil.Process]:
        """Return the processes that serve requests: the only one, or the supervisor's children."""
        if self.workers_wanted == 1:
            return self.processes()[:1]
        return [child for child in self.processes()[1:] if is_worker(child)]

    def kill(self) -> None:
        """Send SIGKILL to all of its processes."""
        doomed = self.processes()
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self.process is not None:
            self.process.wait(START_TIMEOUT)
        psutil.wait_procs(doomed[1:], timeout=START_TIMEOUT)

    def terminate(self) -> None:
        """Send SIGTERM to its first process, as an operator does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout: float) -> int:
        """Return its exit status; raise subprocess.TimeoutExpired if it still runs."""
        return 0 if self.process is None else self.process.wait(timeout)

    def end(self) -> None:
        """Stop, with SIGKILL if it does not end."""
        self.terminate()
        try:
            self.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
        self._hang_up()

    def _hang_up(self) -> None:
        """Close the pipe of a process that has ended."""
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def token(self, workspace: str, age: int = AGE, ttl: int = TTL) -> str:
        """Return an ADMIN's token for *workspace*, made *age* seconds ago for *ttl* seconds."""
        settings = read_settings(self.environment)
        return open_local_key(settings.data_dir).issue(
            workspace=workspace,
            subject="faults",
            ttl=ttl,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            now=time.time() - age,
            role="ADMIN",
        )

    def command(
        self, *words: str, dsn: str | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run `integrations WORDS` to its end, on the service's database unless *dsn* is given."""
        return subprocess.run(
            [*INTEGRATIONS, *words],
            env=self.environment_with(dsn),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def spawn(
        self, *words: str, dsn: str | None = None, out: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start `integrations WORDS`; the caller ends it.

        It writes into the file *out*, else into the service's log, as its errors do.
        """
        with self.log_file.open("a") as log, (out or self.log_file).open("a") as output:
            return subprocess.Popen(
                [*INTEGRATIONS, *words],
                env=self.environment_with(dsn),
                stdout=output,
                stderr=log,
            )

    def environment_with(self, dsn: str | None) -> dict[str, str]:
        """Return the environment of the service, over the database *dsn* where one is given."""
        return self.environment | ({"INTEGRATIONS_DATABASE_URL": dsn} if dsn else {})


def is_worker(process: psutil.Process) -> bool:
    """Return whether *process*, a child of the supervisor, lives and serves."""
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a zombie is one, too
        return False


def until(holds: Callable[[], bool], timeout: float, every: float = 0.05) -> float:
    """Wait until *holds* is true; return the seconds it took, or -1 after *timeout*."""
    began = time.monotonic()
    while time.monotonic() - began < timeout:
        if holds():
            return time.monotonic() - began
        time.sleep(every)
    return -1.0
