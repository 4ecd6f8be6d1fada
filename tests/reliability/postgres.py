"""A durable PostgreSQL with the service's settings that a fault can stop and kill.

The keeper of app/database/embedded would bring a killed server back at once; here the fault says
when. Only processes that we started, and their children, are ever signalled.
"""

import atexit
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from app.database.embedded.account import server_account
from app.database.embedded.cluster import find_programs, initdb_options, program_version
from app.database.embedded.config import ROLE, write_config
from app.database.embedded.data_directory import ServerDirectory, create_server_directory
from app.database.embedded.postmaster import recreate_socket_directory
from app.database.embedded.processes import ENVIRONMENT, lock_within, open_lock

Mode = Literal["smart", "fast", "immediate"]
SIGNALS: Mapping[Mode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
DIE_WITH_PARENT = (
    "setpriv",
    "--pdeathsig",
    "QUIT",
    "--",
)  # it ends with the fault's command
START_TIMEOUT = 60.0  # seconds
STOP_TIMEOUT = 30.0  # seconds
# All who reach the socket, or an address of this machine if a fault needs one: what faults put
# between (proxies, poolers, namespaces) connects as the account that it runs as.
RULES = "local all all trust\nlocal replication all trust\nhost all all samenet trust\n"


class PostgresError(Exception):
    """The server of a fault does not start or stop."""


class Postgres:
    """One server in *folder*; *settings* are set over those of the embedded server.

    What is set in `environment` counts from the next start on.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.settings = dict(settings or {})
        self.environment = dict(ENVIRONMENT)
        self.directory: ServerDirectory = create_server_directory(folder, durable=True)
        self.account = server_account()
        self.programs = find_programs(self.account, self.directory)
        self.process: subprocess.Popen[bytes] | None = None
        self.dsn = make_conninfo(
            host=str(self.directory.sockets),
            port="5432",
            user=ROLE,
            dbname=ROLE,
            connect_timeout="5",
        )

    @property
    def log_file(self) -> Path:
        """What the server says."""
        return self.directory.log

    def create(self) -> None:
        """Copy the cluster that is made once a process, and start."""
        made = template().joinpath(*self.directory.cluster.parts[-2:])
        subprocess.run(["cp", "-a", made, self.directory.cluster], check=True)  # noqa: S607 — our words
        self.start()

    def initialise(self) -> None:
        """Make a cluster with an empty database; it is stopped then."""
        self.directory.cluster.mkdir(mode=0o700)
        self.account.take_ownership(self.directory.cluster)
        options = initdb_options(program_version(self.programs, self.account))
        initdb = [str(self.programs / "initdb"), "-D", str(self.directory.cluster), *options]
        self._spawn(initdb).wait(START_TIMEOUT)
        self.start()
        with psycopg.connect(self.dsn, dbname="postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE integrations")
        self.stop()

    def start(self) -> None:
        """Start, with crash recovery if needed; return when it accepts connections."""
        if self.process is not None and self.process.poll() is None:
            return
        self._wait_for_leftovers()
        (self.directory.cluster / "postmaster.pid").unlink(missing_ok=True)  # none of ours lives
        recreate_socket_directory(self.directory, self.account)
        rules = self.directory.path / "pg_hba_faults.conf"
        rules.write_text(RULES)
        rules.chmod(0o644)
        given = {"hba_file": str(rules), **self.settings}
        options = [word for pair in given.items() for word in ("-c", "=".join(pair))]
        command = [str(self.programs / "postgres"), *write_config(self.directory), *options]
        self.process = self._spawn(command)
        self._wait_until_it_answers()

    def stop(self, mode: Mode = "fast", timeout: float = STOP_TIMEOUT) -> None:
        """Stop as `pg_ctl stop -m MODE` does, and wait for the end.

        Raises:
            subprocess.TimeoutExpired: it has not ended in time; smart waits for its clients.
        """
        if self.process is not None:
            self.process.send_signal(SIGNALS[mode])
            self.process.wait(timeout)

    def processes(self) -> list[psutil.Process]:
        """Return the postmaster and all of its children that live."""
        if self.process is None or self.process.poll() is not None:
            return []
        postmaster = psutil.Process(self.process.pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def kill_all(self) -> None:
        """Send SIGKILL to every process of the server at once: none can clean up."""
        doomed = self.processes()
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self.process is not None:
            self.process.wait(STOP_TIMEOUT)
        self._wait_for_leftovers()  # by their lock: their parent may reap them late

    def end(self) -> None:
        """Stop, with SIGKILL if it does not end."""
        with suppress(subprocess.TimeoutExpired):
            self.stop("immediate", timeout=10)
        self.kill_all()

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log_file.open("ab") as log, open_lock(self.directory.processes) as claim:
            flock(claim, LOCK_EX)
            return subprocess.Popen(
                [*DIE_WITH_PARENT, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                pass_fds=[claim.fileno()],
                user=self.account.uid,
                group=self.account.gid,
                extra_groups=self.account.groups,
                start_new_session=True,
            )

    def _wait_for_leftovers(self) -> None:
        """Wait until no process of an earlier run lives: all of them inherited one lock."""
        with open_lock(self.directory.processes) as claim:
            if not lock_within(STOP_TIMEOUT, claim, LOCK_EX):
                message = "A process of PostgreSQL does not end."
                raise PostgresError(message)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                psycopg.connect(self.dsn, dbname="postgres").close()
            except psycopg.OperationalError:
                ended = self.process is None or self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    message = f"PostgreSQL does not start: {self.log_file.read_text()[-2000:]}"
                    raise PostgresError(message) from None
                time.sleep(0.02)
            else:
                return


@cache
def template() -> Path:
    """Return the folder of a cluster that is made once, and goes with this process."""
    made = TemporaryDirectory(prefix="faults-template-")
    atexit.register(made.cleanup)
    folder = Path(made.name)
    folder.chmod(0o711)
    Postgres(folder).initialise()
    return folder
