"""The service and its commands, as an operator starts them: processes with an environment."""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import msgspec
from msgspec import Struct

from app.providers.registry import load_providers
from app.settings import read_settings
from scripts.commands.issue_token import issue

INTEGRATIONS = (sys.executable, "-c", "from scripts.commands.cli import main; main()")
STARTING = 30  # seconds that a service may take to start in a test
# No test asks a real provider, whatever it stores and checks: nobody listens there.
NO_PROVIDERS = ",".join(f"{type_}=http://127.0.0.1:9" for type_ in load_providers())
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loads no certificates, which takes long


@contextmanager
def new_data_dir() -> Generator[Path]:
    """A data directory that the account of PostgreSQL can enter; pytest's own are closed to it."""
    with TemporaryDirectory(prefix="integrations-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def environment_with(**settings: str | Path) -> dict[str, str]:
    """Return this process's environment with *settings* as the only ones of the service."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INTEGR")}
    return clean | {f"INTEGRATIONS_{name.upper()}": str(value) for name, value in settings.items()}


def run_command(
    environment: Mapping[str, str], *words: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run the command `integrations` to its end."""
    return subprocess.run(
        [*INTEGRATIONS, *words], env=environment, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip


def security_line(stderr: str) -> dict[str, Any]:
    """Return the one line of the security log in *stderr*."""
    (line,) = [line for line in stderr.splitlines() if line.startswith("{")]
    return msgspec.json.decode(line)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Service(Struct, frozen=True):
    """A started service: its address, its process, its data directory and environment."""

    address: str
    process: subprocess.Popen[str]
    environment: dict[str, str]
    log_file: Path

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the command `integrations` to its end, with the settings of this service."""
        return run_command(self.environment, *words)

    def token(self, *options: str, workspace: str = "demo") -> str:
        """Return a token by the command `integrations token`."""
        issued = self.run("token", "--workspace", workspace, *options)
        issued.check_returncode()
        return issued.stdout.strip()

    def client(self, *options: str, workspace: str = "demo") -> httpx2.Client:
        """Return a client with a token, an ADMIN's unless *options* say otherwise; close it."""
        token = self.token(*options, workspace=workspace)
        return httpx2.Client(
            base_url=self.address, headers={"Authorization": f"Bearer {token}"}, timeout=30
        )

    def caller(
        self,
        workspace: str = "demo",
        role: str = "ADMIN",
        subject: str = "t",
        name: str | None = None,
    ) -> httpx2.Client:
        """Return a client as `client` does, but at once: no process is started for its token."""
        token = issue(
            read_settings(self.environment),
            workspace=workspace,
            subject=subject,
            name=name,
            ttl=3600,
            role=role,
        )
        return httpx2.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            verify=NO_TLS,
            trust_env=False,
        )


StartService = Callable[..., AbstractContextManager[Service]]
"""Takes a data directory, and settings by their names in small letters."""


@contextmanager
def start(data_dir: Path, **settings: str) -> Generator[Service]:
    """Start the service as a user would, on a free port, and stop it by SIGTERM."""
    defaults = {"data_dir": str(data_dir), "port": "0", "provider_urls": NO_PROVIDERS}
    environment = environment_with(**defaults | settings)
    log_file = data_dir / "service.log"
    with log_file.open("a") as log:
        process = subprocess.Popen(
            [*INTEGRATIONS, "serve"], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Listening on http://"), log_file.read_text()
        address = line.removeprefix("Listening on ").strip()
        yield Service(address, process, environment, log_file)
    finally:
        process.terminate()
        process.communicate(timeout=STARTING)
