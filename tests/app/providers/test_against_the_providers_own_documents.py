"""Every request of ours is valid to the provider's own OpenAPI document.

npm's prism serves ../shared/provider-specs; a proxy in front of it forces answers (`Prefer`) and
keeps what prism says of our requests. It proves form, not behaviour.
"""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.providers.check import CredentialChecker
from app.providers.http_client import ProviderClient
from app.providers.provider_file import ProviderFile
from app.secrets.secret import Secret

DOCUMENT = Path(__file__).parents[4] / "shared" / "provider-specs" / "providers.json"
PRISM = "@stoplight/prism-cli@5.14.2"
FOLDERS = {  # of each provider in the document
    "SENDGRID": "sendgrid",
    "ELASTIC_EMAIL": "elastic_email",
    "TWILIO": "twilio",
    "NEXMO": "vonage",
    "FIREBASE_FCM": "fcm",
    "POSTMARK": "postmark",
}
NO_TOKEN_SERVER = {"access_token": "ya29.token"}  # Google's token endpoint is not in the document
pytestmark = pytest.mark.timeout(300)  # the first test installs prism


class Proxy(ThreadingHTTPServer):
    """A server in front of prism: it adds `Prefer`, and keeps what prism finds wrong with us."""

    daemon_threads = True

    def __init__(self, prism: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.prism = prism
        self.prefer = ""
        self.asked: list[str] = []
        self.violations: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Sends each request on to prism."""

    server: Proxy  # pyright: ignore[reportIncompatibleVariableOverride] — it serves no other

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(f"{self.command} {self.path}")
        if self.path == "/fcm/token":
            self.answer(200, json.dumps(NO_TOKEN_SERVER).encode())
            return
        headers = dict(self.headers.items())
        if self.server.prefer:
            headers["Prefer"] = self.server.prefer
        prism = HTTPConnection("127.0.0.1", self.server.prism, timeout=10)
        try:
            prism.request(self.command, self.path, body, headers)
            answer = prism.getresponse()
            content = answer.read()
            self.server.violations += violations_in(answer.headers, content)
            self.answer(answer.status, content)
        finally:
            prism.close()

    do_POST = do_GET  # noqa: N815 — the standard library looks for these names

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name there
        """Stay silent."""


def violations_in(headers: Message, content: bytes) -> list[dict[str, Any]]:
    """Return what prism found wrong with a request; what is wrong with answers is its own doing."""
    if headers.get_content_type() == "application/problem+json":
        return [json.loads(content)]
    found = json.loads(headers.get("sl-violations", "[]"))
    return [one for one in found if one["location"][0] != "response"]


@pytest.fixture(scope="session")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port at which prism serves the providers' documents."""
    npm = shutil.which("npm")
    if npm is None or not DOCUMENT.exists():
        pytest.skip("npm or ../shared/provider-specs is not here: nothing to prove requests with")
    folder = tmp_path_factory.mktemp("prism")
    install = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, PRISM]
    if subprocess.run(install, check=False, capture_output=True, timeout=240).returncode:
        pytest.skip("npm cannot install prism: nothing to prove requests with")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = folder / "node_modules" / ".bin" / "prism"
    process = subprocess.Popen(
        [program, "mock", "--host", "127.0.0.1", "--port", str(port), DOCUMENT],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int) -> None:
    """Wait until somebody listens on *port*."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "prism does not start"
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def proxy(prism: int) -> Iterator[Proxy]:
    with Proxy(prism) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def all_providers(
    providers: Mapping[str, ProviderFile], postmark: ProviderFile
) -> dict[str, ProviderFile]:
    return {**providers, postmark.type: postmark}


@pytest.fixture(scope="session")
def all_credentials(credentials: dict[str, dict[str, Secret]]) -> dict[str, dict[str, Secret]]:
    return {**credentials, "POSTMARK": {"apiKey": Secret(b"server-token")}}


@pytest.mark.parametrize(
    ("type_", "prefer", "outcome"),
    [
        ("SENDGRID", "", "ok"),
        ("SENDGRID", "code=401", "invalid"),
        ("SENDGRID", "code=403", "insufficient"),
        ("SENDGRID", "code=404", "inconclusive"),
        ("SENDGRID", "code=500", "inconclusive"),
        ("ELASTIC_EMAIL", "", "ok"),
        ("TWILIO", "", "ok"),
        ("NEXMO", "", "ok"),
        ("NEXMO", "code=401", "invalid"),
        ("FIREBASE_FCM", "", "ok"),
        ("POSTMARK", "", "ok"),
        ("POSTMARK", "code=422", "inconclusive"),
        ("POSTMARK", "code=500", "inconclusive"),
    ],
)
async def test_what_we_ask_is_what_the_provider_has_documented(
    type_: str,
    prefer: str,
    outcome: str,
    proxy: Proxy,
    check_of: Callable[..., Any],
) -> None:
    proxy.prefer = prefer

    checked = await check_of(type_, f"{proxy.url}/{FOLDERS[type_]}")

    assert proxy.violations == []
    assert proxy.asked
    assert checked.verdict.outcome == outcome


@pytest.fixture
def check_of(
    all_providers: dict[str, ProviderFile],
    all_credentials: dict[str, dict[str, Secret]],
    client: ProviderClient,
) -> Callable[..., Any]:
    """Check well-formed credentials of a type at an address."""

    def check(type_: str, url: str) -> object:
        checker = CredentialChecker(all_providers, client, {type_: url})
        return checker.check(type_, all_credentials[type_])

    return check


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "/sendgrid/v3/scopes", {}, None),
        ("GET", "/sendgrid/v3/scope", {"Authorization": "Bearer k"}, None),
        ("GET", "/twilio/2010-04-01/Accounts/SK1.json", {"Authorization": "Basic YTpi"}, None),
        (
            "POST",
            "/fcm/v1/projects/p/messages:send",
            {"Authorization": "Bearer t", "Content-Type": "application/json"},
            b'{"message": {"topic": 7}}',
        ),
    ],
)
async def test_a_request_that_is_not_valid_would_be_found(
    method: str, path: str, headers: dict[str, str], body: bytes | None, proxy: Proxy
) -> None:
    asked = HTTPConnection("127.0.0.1", proxy.server_port, timeout=10)
    try:
        asked.request(method, path, body, headers)
        asked.getresponse().read()
    finally:
        asked.close()

    assert proxy.violations
