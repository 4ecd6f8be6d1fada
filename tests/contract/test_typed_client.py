"""A typed client is generated from the OpenAPI document, and drives the service end to end."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from tests.support.service import Service, StartService
from tests.support.serving import Quiet, serving

HERE = Path(__file__).parent / "typed_client"
PROGRAMS = Path(sys.executable).parent


class SendGrid(Quiet, BaseHTTPRequestHandler):
    """A provider that knows every key."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"scopes": ["mail.send"]}')


@pytest.fixture
def sendgrid() -> Iterator[str]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), SendGrid)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def run(*command: str | Path, within: Path) -> subprocess.CompletedProcess[str]:
    """Run *command* in the folder *within*, without a way out: proxies where nobody listens."""
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    return subprocess.run(
        command,
        cwd=within,
        env={"PATH": str(PROGRAMS), "HOME": str(within), "NO_PROXY": "127.0.0.1", **nowhere},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def home(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program and, generated from the service's document, what it imports."""
    home = tmp_path_factory.mktemp("typed-client")
    shutil.copytree(HERE, home, dirs_exist_ok=True)
    document = httpx2.get(f"{service.address}/docs/openapi.json")
    (home / "openapi.json").write_bytes(document.content)
    made = run(
        PROGRAMS / "openapi-python-client",
        *("generate", "--path", "openapi.json", "--output-path", "integrations_client"),
        *("--meta", "none", "--config", "generator.json", "--fail-on-warning"),
        within=home,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return home


def test_what_is_generated_and_what_is_written_with_it_pass_a_type_checker(home: Path) -> None:
    command = (sys.executable, "-m", "pyright", "--pythonpath", sys.executable)

    checked = run(*command, "--outputjson", "session.py", "integrations_client", within=home)

    assert json.loads(checked.stdout)["generalDiagnostics"] == []


def test_it_drives_the_service_end_to_end(
    home: Path,
    start_service: StartService,
    data_dir: Path,
    dsn: str,
    sendgrid: str,
) -> None:
    with start_service(data_dir, database_url=dsn, provider_urls=f"SENDGRID={sendgrid}") as service:
        admin = service.token("--subject", "admin")
        viewer = service.token("--role", "VIEWER")
        drove = run(
            *(sys.executable, "-W", "error", "session.py", service.address, admin, viewer),
            within=home,
        )

    assert drove.returncode == 0, drove.stderr
