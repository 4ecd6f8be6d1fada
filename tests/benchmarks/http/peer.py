"""The peer: its folder and its virtual environment."""

import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.errors import CannotRunError

ROOT = Path(__file__).parents[3]
FOLDER = ROOT.parent / "shared" / "peers" / "fastapi_crud"
VENV = ROOT / ".venv" / "benchmark-peer"  # ignored by git, and gone with ours
INSTALL_TIMEOUT = 600  # seconds
INSTALL = """
. scripts/installer.sh
"$python" -m venv --without-pip --clear "$1"
install_into "$1" -r "$2"
"""


def install_peer() -> Path:
    """Return the `uvicorn` of the peer's environment, made at the first call.

    Raises:
        CannotRunError: the peer is not there, or cannot be installed.
    """
    requirements = FOLDER / "requirements.txt"
    if not requirements.is_file():
        message = (
            "the peer is missing: it is not in this repository, and is expected in"
            " ../shared/peers/fastapi_crud; without it run growth, leases or soak"
        )
        raise CannotRunError(message)
    stamp = VENV / "installed"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        install(requirements)
        stamp.write_text(requirements.read_text())
    return VENV / "bin" / "uvicorn"


def install(requirements: Path) -> None:
    """Make the environment. Raises CannotRunError: its output says why."""
    try:
        subprocess.run(
            ["sh", "-euc", INSTALL, "sh", VENV, requirements],  # noqa: S607 — our words
            cwd=ROOT, env={**os.environ, "PYTHON": sys.executable},
            check=True, timeout=INSTALL_TIMEOUT,
        )  # fmt: skip
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        message = "the peer cannot be installed: see the message above"
        raise CannotRunError(message) from None


def peer_versions() -> str:
    """Return the names and versions of the peer's main packages."""
    names = (FOLDER / "requirements.txt").read_text().split()
    wanted = ("fastapi", "sqlalchemy", "asyncpg", "pydantic", "uvicorn")
    return ", ".join(name.replace("==", " ") for name in names if name.startswith(wanted))
