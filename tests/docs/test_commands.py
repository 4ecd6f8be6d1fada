"""The commands on the operators' pages run as they stand on the page.

Each section of a page with fenced `sh` blocks is one script: its blocks, from top to bottom, in one
shell that stops at the first command that fails, next to a running service with one integration.
The shell has the service's settings and the installed command `integrations`. The examples that
every page uses are replaced by places of the test: the address 127.0.0.1:8000, and folders under
/var, so `/var/lib/integrations` is the data directory and `/var/backups` can be written. A block
that cannot run like this has another language than `sh`, and a test of its own.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import Service, StartService

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (
    "operations",
    "workers",
    "feed",
    "postgresql",
    "keys",
    "audit",
    "security-log",
    "metrics",
    "rebuild",
)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def scripts(page: str) -> dict[str, str]:
    """Return the script of each section of *page* that has one, by the section's heading."""
    sections = re.split(r"^## ", (DOCS / f"{page}.md").read_text(), flags=re.MULTILINE)
    found = {part.partition("\n")[0]: "".join(BLOCK.findall(part)) for part in sections}
    return {heading: script for heading, script in found.items() if script}


SCRIPTS = [
    pytest.param(script, id=f"{page}: {heading}")
    for page in PAGES
    for heading, script in scripts(page).items()
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_commands_of_a_section_run(
    script: str, data_dir: Path, start_service: StartService
) -> None:
    var = data_dir / "var"
    for folder in (var, var / "lib", var / "lib/integrations", var / "backups"):
        folder.mkdir(mode=0o711)

    with start_service(var / "lib/integrations", log_level="WARNING") as service:
        add_integration(service)
        here = script.replace("127.0.0.1:8000", service.address.removeprefix("http://"))
        ended = run(here.replace("/var/", f"{var}/"), service.environment, data_dir)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def add_integration(service: Service) -> None:
    with service.caller() as client:
        body = {"name": "Mail", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.example"}
        assert client.post("/en/api/integration", json=body).status_code == 201


def run(script: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run *script* in *folder* to its end, as bash does it at the first failure."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        env={**environment, "PATH": path}, cwd=folder,
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
