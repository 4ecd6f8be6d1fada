"""README.md: what can run here runs against the real service, and the rest compiles."""

import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import integrations_client
import pytest

from clients.python.examples.outbox import Outbox
from clients.python.tests.conftest import Workspace

CLIENT = Path(__file__).parents[1]
PAGE = (CLIENT / "README.md").read_text()
[_, EXAMPLE] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
SYNC, ASYNC, CELERY, TEMPORAL, LAMBDA = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def run(block: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run *block* where the key files are, for an integration of the workspace."""
    integration = workspace.create(settings={"region": "EU"})
    monkeypatch.chdir(workspace.key.parent)
    here = block.replace("http://127.0.0.1:8000", workspace.service.address)
    here = here.replace("int_01m84sn0f6e788c7myrj1n317m", integration)
    names: dict[str, Any] = {"TOKEN": workspace.token, "integration": integration}
    exec(here, names)  # noqa: S102 — our own page
    return names


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """Requests to the provider, which nobody sends from a test."""
    requests: list[httpx.Request] = []
    whole = httpx.AsyncHTTPTransport.handle_async_request

    def handle(_self: object, request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(202)

    async def handle_async(self: Any, request: httpx.Request) -> httpx.Response:
        is_provider = request.url.host.endswith("sendgrid.com")
        return handle(self, request) if is_provider else await whole(self, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle_async)
    return requests


def test_three_lines(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, sent: list[httpx.Request]
) -> None:
    names = run(SYNC, workspace, monkeypatch)
    names["client"].close()

    assert str(sent[0].url) == "https://api.eu.sendgrid.com/v3/mail/send"
    assert sent[0].headers["authorization"] == "Bearer SG.a-key-that-nobody-may-see"


async def test_with_asyncio(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, sent: list[httpx.Request]
) -> None:
    names = run(ASYNC, workspace, monkeypatch)

    assert (await names["send"]()).status_code == 202
    assert sent[0].headers["authorization"] == "Bearer SG.a-key-that-nobody-may-see"


def test_aws_lambda(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run(LAMBDA, workspace, monkeypatch)

    event = {"integration": names["integration"]}
    assert names["handler"](event, None) == {"sender": "a@example.com"}
    names["client"].close()


def test_the_example_runs_as_the_page_says(workspace: Workspace, tmp_path: Path) -> None:
    integration = workspace.create(apiKey="SG.abc123")
    install, _, here = EXAMPLE.partition("\n")
    here = here.replace("http://127.0.0.1:8000", workspace.service.address)
    here = here.replace("int_…", integration).replace("8025", str(free_port()))
    here = here.replace("--workspace demo", f"--workspace {workspace.name}")
    clone, worker = tmp_path / "clone", tmp_path / "worker"
    for folder in (clone / ".venv", clone / "clients", worker / "bin"):
        folder.mkdir(parents=True)
    (clone / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (clone / "clients/python").symlink_to(CLIENT)
    python = worker / "bin/python"  # in place of what the first line installs
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{CLIENT}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)

    ended = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", f"trap 'kill %1 2>/dev/null || :' EXIT\n{here}"],
        env=workspace.service.environment, cwd=clone,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    assert install == "python3 -m venv ../worker && ../worker/bin/pip install ./clients/python"
    assert ended.stdout.splitlines()[-1] == "sending", ended.stderr
    with Outbox(worker / "mails.db") as outbox:
        assert outbox.count("sent") == 1


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize("block", [CELERY, TEMPORAL], ids=["Celery", "Temporal"])
def test_the_other_blocks_compile_and_import_what_exists(block: str) -> None:
    compile(block, "README.md", "exec")
    [names] = re.findall(r"^from integrations_client import (.*)$", block, re.MULTILINE)
    assert set(names.split(", ")) <= set(integrations_client.__all__)


def test_the_table_has_every_error() -> None:
    table = PAGE.partition("## Errors")[2].partition("##")[0]
    errors = {name for name in integrations_client.__all__ if name.endswith("Error")}
    assert set(re.findall(r"`(\w+Error)`", table)) == errors - {"ServiceError"}
