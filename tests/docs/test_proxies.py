"""docs/operations.md: nginx and Caddy, set up as on the page, in front of a real service.

They are Debian's: `apt-get install nginx-light caddy` (README, "slow").
"""

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.service import StartService, free_port

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
HOST = "integrations.example"
PATH = "/en/api/integration"
NGINX = """user {user}; daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
{servers} }}"""
CADDY = """{{
admin off
auto_https disable_redirects
storage file_system {folder}
}}
{sites}"""

pytestmark = pytest.mark.slow


def block(language: str) -> str:
    """Return the page's block of *language*."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return found


def nginx(folder: Path, port: int, service: str) -> list[str]:
    servers = block("nginx").replace("/etc/ssl/private/integrations.key", f"{folder}/key.pem")
    servers = servers.replace("/etc/ssl/integrations.pem", f"{folder}/certificate.pem")
    servers = servers.replace("127.0.0.1:8000", service).replace("443", f"127.0.0.1:{port}")
    (folder / "nginx.conf").write_text(NGINX.format(user=getuser(), folder=folder, servers=servers))
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, service: str) -> list[str]:
    tls = f"tls {folder}/certificate.pem {folder}/key.pem"
    sites = block("caddy").replace(f"{HOST} {{", f"{HOST}:{port} {{\nbind 127.0.0.1\n{tls}")
    sites = sites.replace("127.0.0.1:8000", service)
    (folder / "Caddyfile").write_text(CADDY.format(folder=folder, sites=sites))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def running(command: list[str], port: int) -> Generator[None]:
    """Run a proxy that listens on *port*, and stop it at the end."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(port, process)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=20)


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("the proxy does not listen")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for HOST, signed by its own key, in a folder that holds the key too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    path = tmp_path / "certificate.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])
def test_a_proxy_set_up_as_on_the_page_passes_requests_and_true_addresses(
    proxy: Callable[[Path, int, str], list[str]],
    tmp_path: Path,
    certificate: Path,
    data_dir: Path,
    start_service: StartService,
) -> None:
    context = ssl.create_default_context(cafile=certificate)
    port = free_port()
    with (
        start_service(data_dir, trusted_proxies="127.0.0.1") as service,
        running(proxy(tmp_path, port, service.address.removeprefix("http://")), port),
        httpx2.Client(
            base_url=f"https://127.0.0.1:{port}",
            headers={"Host": HOST, "Authorization": f"Bearer {service.token()}"},
            transport=httpx2.HTTPTransport(verify=context, local_address="127.0.0.2"),
            trust_env=False,
        ) as client,
    ):
        named = {"sni_hostname": HOST}
        body = {"name": "Mail", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.example"}
        forged = {"X-Forwarded-For": "203.0.113.9"}
        created = client.post(PATH, json=body, headers=forged, extensions=named)
        history = client.get("/en/api/history-log", extensions=named).json()["result"]["data"]
        large = client.post(PATH, content=b"x" * 100_000, extensions=named)
        shown = read_stream(client, named)
        hidden = [client.get(path, extensions=named) for path in ("/metrics", "/health/ready")]

    assert created.status_code == 201, created.text
    assert [entry["ipAddress"] for entry in history] == ["127.0.0.2"]
    assert large.headers["content-type"] == "application/json", large.text
    assert large.json()["result"]["error"] == "PAYLOAD_TOO_LARGE"
    assert [response.status_code for response in hidden] == [404, 404]
    assert created.json()["result"]["data"]["id"] in shown


def read_stream(client: httpx2.Client, named: dict[str, str]) -> str:
    """Return a stream of changes up to its first one; a proxy that held it back would time out."""
    path, shown = "/en/api/integration-changes?after=0", ""
    headers = {"Accept": "text/event-stream"}
    with client.stream("GET", path, headers=headers, extensions=named, timeout=10) as answer:
        for line in answer.iter_lines():
            shown += line
            if line.startswith("data: "):
                return shown
    return shown
