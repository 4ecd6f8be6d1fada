"""A stage for the drills: a data directory, who runs the service, and what processes live there."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from app.database.embedded.data_directory import ServerDirectory
from tests.support.waiting import wait_until

T = TypeVar("T")

PROGRAM = Path(__file__).with_name("client.py")
REPOSITORY = Path(__file__).parents[4]
ORDINARY = "nobody"
READ_ALL = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
PROBE = """
import subprocess, sys, psycopg
subprocess.run([sys.executable, "-c", "print('yes')"])
"""
PATIENCE = 20.0


@dataclass(frozen=True)
class Person:
    """Somebody who runs programs; `prefix` makes a command theirs."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def run(self, code: str, *arguments: str) -> str:
        """Run Python *code* as this person; return all it said."""
        done = subprocess.run(
            [*self.prefix, sys.executable, "-c", code, *arguments],
            cwd=REPOSITORY,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        return done.stdout


def person(name: str) -> Person:
    """Return *name* as a person; they may read everything if our interpreter needs that."""
    entry = pwd.getpwnam(name)
    ids = (f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
    for prefix in (("setpriv", *ids), ("setpriv", *ids, *READ_ALL)):
        somebody = Person(entry.pw_uid, entry.pw_gid, prefix)
        if "yes" in somebody.run(PROBE):
            return somebody
    pytest.skip(f"{name} cannot reach this interpreter, and setpriv cannot help")


def ourselves() -> Person:
    return Person(os.geteuid(), os.getegid())


def root_at_a_desk() -> Person:
    """Return root with supplementary groups, as a login gives them and a container may not."""
    return Person(0, 0, ("setpriv", "--groups=0,4"))


@dataclass
class Client:
    """A process with a lease (client.py)."""

    process: subprocess.Popen[str]
    dsn: str = ""

    def heard(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        return json.loads(line) if line.endswith("\n") else {}

    def ask(self, command: str, text: str = "") -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(json.dumps([command, text]) + "\n")
        self.process.stdin.flush()
        return self.heard()

    def sql(self, text: str) -> Any:  # whatever the query gives
        """Return the first column of the first row."""
        answer = self.ask("sql", text)
        assert "error" not in answer, answer
        return answer["rows"][0][0] if answer["rows"] else None

    def opened(self) -> "Client":
        """Wait for the lease."""
        answer = self.heard()
        self.dsn = answer.get("dsn", "")
        assert self.dsn, answer
        return self

    def refusal(self) -> str:
        """Wait for the one line that says why there is no lease."""
        answer = self.heard()
        assert set(answer) == {"error"}, answer
        return answer["error"]

    def end(self) -> None:
        """Let it close its lease and leave."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)


@dataclass
class Stage:
    """One data directory and all that happens in it."""

    data_dir: Path
    person: Person
    clients: list[Client] = field(default_factory=list[Client])

    def directory(self, *, durable: bool = True) -> ServerDirectory:
        return ServerDirectory(
            self.data_dir / ("postgres" if durable else "postgres-throwaway"), durable
        )

    def begin(self, *, durable: bool = True) -> Client:
        """Start a client without waiting for its lease."""
        mode = "durable" if durable else "throwaway"
        process = subprocess.Popen(
            [*self.person.prefix, sys.executable, str(PROGRAM), str(self.data_dir), mode],
            cwd=REPOSITORY,
            env=dict(os.environ) | {"PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.clients.append(Client(process))
        return self.clients[-1]

    def open(self, *, durable: bool = True) -> Client:
        return self.begin(durable=durable).opened()

    def processes(self) -> list[psutil.Process]:
        """Everything that lives here but the clients: keeper, initdb, postmaster, backends."""
        return [process for process in psutil.process_iter() if self._is_here(process)]

    def _is_here(self, process: psutil.Process) -> bool:
        try:
            command, where = process.cmdline(), Path(process.cwd())
            if str(PROGRAM) in command or process.status() == psutil.STATUS_ZOMBIE:
                return False
        except psutil.Error:
            return False
        return any(str(self.data_dir) in word for word in command) or where.is_relative_to(
            self.data_dir,
        )

    def find(self, program: str, seconds: float = PATIENCE) -> psutil.Process:
        """Wait for the process that runs *program* here: keeper, initdb, or postgres -D."""
        found = wait_until(lambda: [p for p in self.processes() if runs(p, program)], seconds)
        return found[0]

    def is_quiet(self) -> bool:
        return not self.processes()

    def is_served(self) -> bool:
        return any(process.name() == "postgres" for process in self.processes())


def runs(process: psutil.Process, program: str) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    if program == "keeper":
        return "app.database.embedded" in command
    return bool(command) and Path(command[0]).name == program and "-D" in command


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], object]:
    """Wait until something is true, for a bounded time."""
    return wait_until


@pytest.fixture(scope="session", params=["as root", "as a user"])
def runner(request: pytest.FixtureRequest) -> Person:
    """Who runs the service: root, and somebody who is not."""
    if os.geteuid() != 0:
        if request.param == "as root":
            pytest.skip("needs root")
        return ourselves()
    return root_at_a_desk() if request.param == "as root" else person(ORDINARY)


@pytest.fixture
def stranger() -> Person:
    """Another user of the machine, neither the service's nor the server's."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    return person("daemon")


@pytest.fixture
def become() -> Callable[[str], Person]:
    return person


@pytest.fixture(scope="session")
def lasting_ground(runner: Person) -> Iterator[Path]:
    yield from ground_of(runner)


@pytest.fixture
def new_ground(runner: Person) -> Iterator[Path]:
    """An empty directory that is *runner*'s and that every account can reach; pytest's is not."""
    yield from ground_of(runner)


def ground_of(owner: Person) -> Iterator[Path]:
    ground = Path(tempfile.mkdtemp(prefix="drill-"))
    ground.chmod(0o711)
    os.chown(ground, owner.uid, owner.gid)
    yield ground
    shutil.rmtree(ground)


@pytest.fixture
def stage(runner: Person, lasting_ground: Path) -> Iterator[Stage]:
    """A stopped server, once as root and once as a user; at the end no process may be left.

    Its cluster goes from drill to drill, through all their kills.
    """
    yield from play(Stage(lasting_ground / "data", runner))


@pytest.fixture
def cold_stage(runner: Person, new_ground: Path) -> Iterator[Stage]:
    """A stage where no server has ever been."""
    yield from play(Stage(new_ground / "data", runner))


@pytest.fixture
def cold_stage_of_us() -> Iterator[Stage]:
    """One for a lease in this very process."""
    for ground in ground_of(ourselves()):
        yield from play(Stage(ground / "data", ourselves()))


@pytest.fixture(scope="session")
def standing(runner: Person) -> Iterator[Stage]:
    """A stage with a client and its server, for those who only look."""
    for ground in ground_of(runner):
        stage = Stage(ground / "data", runner)
        stage.open()
        yield from play(stage)


def play(stage: Stage) -> Iterator[Stage]:
    yield stage
    for client in stage.clients:
        if client.process.poll() is None:
            client.end()
        for pipe in (client.process.stdin, client.process.stdout):
            if pipe:
                pipe.close()
    with suppress(AssertionError):
        wait_until(stage.is_quiet)
    left = stage.processes()
    for process in left:
        process.kill()
    shutil.rmtree(stage.directory().sockets, ignore_errors=True)
    assert not left, f"left behind: {left}"
