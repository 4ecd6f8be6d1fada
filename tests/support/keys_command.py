"""The command `integrations keys` next to a running service, and a provider that notes keys."""

import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
from click.testing import CliRunner

from scripts.commands.keys import keys_commands
from tests.support.service import Service
from tests.support.serving import Quiet

PATH = "/en/api/integration"


class Provider(ThreadingHTTPServer):
    """SendGrid: it takes every key, and notes it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ProviderHandler)
        self.keys: list[str] = []


class ProviderHandler(Quiet, BaseHTTPRequestHandler):
    """One request to the provider."""

    server: Provider  # pyright: ignore[reportIncompatibleVariableOverride] — it serves no other

    def do_GET(self) -> None:
        """Take the key."""
        self.server.keys.append(self.headers["Authorization"].removeprefix("Bearer "))
        content = b'{"scopes":["mail.send"]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def keys(service: Service, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `integrations keys` next to *service* to its end."""
    return service.run("keys", *words)


def done(service: Service, *words: str) -> str:
    """Run `integrations keys` in this process, which is quicker; return what it prints."""
    ended = CliRunner().invoke(keys_commands, words, env=service.environment)
    assert ended.exit_code == 0, ended.exception
    return ended.stdout


def complaints(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what a command complains of, without its line of the security log."""
    return [line for line in ended.stderr.splitlines() if not line.startswith("{")]


def listed(service: Service) -> dict[str, tuple[str, int]]:
    """Return the state of each KEK, and how many secrets are stored under it."""
    lines = [line.split() for line in done(service, "list").splitlines()[1:]]
    return {words[0]: (words[1], int(words[-1])) for words in lines}


def add(client: httpx2.Client, key: str) -> str:
    """Add a connection to SendGrid with *key*; return its id."""
    body = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": key}
    response = client.post(PATH, json=body)
    assert response.status_code == 201, response.text
    return response.json()["result"]["data"]["id"]


def outcome(client: httpx2.Client, integration: str) -> str:
    """Return what a check finds; the provider is asked where the stored key opens."""
    return client.post(f"{PATH}/{integration}/check").json()["result"]["data"]["outcome"]
