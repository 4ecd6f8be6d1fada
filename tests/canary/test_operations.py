"""No secret leaves where keys are changed, providers are asked, things fail and processes crash."""

import os
import signal
import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import psutil
import psycopg
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from app.database.embedded import open_embedded
from app.providers.registry import load_providers
from scripts.commands.keys import keys_commands
from tests.canary.conftest import Canaries
from tests.support.service import INTEGRATIONS, Service, StartService
from tests.support.serving import Quiet, serving

Hidden = Any
Database = psycopg.Connection
PATH = "/en/api/integration"
SECRETS = ("apiKey", "apiSecret", "vapidPrivateKey")
SID = "AC" + "0" * 32
# What providers answer: all of them repeat the key that they were asked with, and more.
ANSWERS = (
    (200, b'{"status":"active","scopes":["mail.send"],"auth_token":"%s","seen":"%s"}'),
    (200, b"<html>%s %s"),
    (302, b"%s %s"),
    (401, b'{"code":20003,"errors":[{"message":"%s"}],"more_info":"%s"}'),
    (500, b"%s %s"),
)
# Runs at the start of every Python of the service: what seals fails, and says all that it knows.
FAILING = """
from app.secrets import sealing

whole_encrypt, whole_unwrap = sealing.encrypt, sealing.unwrap_key


def encrypt(key, plaintext, aad):
    if plaintext.reveal().startswith(b"crash"):
        raise RuntimeError(plaintext.reveal(), key.reveal().hex())
    return whole_encrypt(key, plaintext, aad)


def unwrap_key(kek, wrapped_key, aad):
    import os

    if "CRASH_UNWRAPPING" in os.environ:
        raise RuntimeError(kek.reveal(), kek.reveal().hex())
    return whole_unwrap(kek, wrapped_key, aad)


sealing.encrypt, sealing.unwrap_key = encrypt, unwrap_key
"""


class Provider(ThreadingHTTPServer):
    """Any provider; it repeats what it is asked with, and a canary of its own."""

    daemon_threads = True

    def __init__(self, canaries: Canaries) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.canaries = canaries
        self.status, self.content = ANSWERS[0]
        self.asked = 0


class Handler(Quiet, BaseHTTPRequestHandler):
    server: Provider  # pyright: ignore[reportIncompatibleVariableOverride] — it serves no other

    def do_GET(self) -> None:
        self.server.asked += 1
        repeated = self.path + "".join(self.headers.values())
        content = self.server.content % (repeated.encode(), self.server.canaries.new().encode())
        self.send_response(self.server.status)
        self.send_header("X-Seen", repeated)
        self.send_header("Location", f"/{self.server.canaries.new()}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def provider(canaries: Canaries) -> Iterator[Provider]:
    with serving(Provider(canaries)) as server:
        yield server


@pytest.fixture
def service(
    start_service: StartService,
    data_dir: Path,
    provider: Provider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Service]:
    """A service whose sealing fails where it is told to, and that asks `provider`."""
    (tmp_path / "sitecustomize.py").write_text(FAILING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    url = f"http://127.0.0.1:{provider.server_port}"
    urls = ",".join(f"{type_}={url}" for type_ in load_providers())
    with start_service(data_dir, log_level="DEBUG", provider_urls=urls, workers="2") as service:
        yield service


@pytest.fixture
def database(
    service: Service, data_dir: Path, make_talkative: Callable[[Database], None]
) -> Iterator[Database]:
    """The service's own database, which logs all that it can."""
    assert service.process.poll() is None
    with open_embedded(data_dir) as server, psycopg.connect(server.dsn, autocommit=True) as opened:
        make_talkative(opened)
        yield opened


def run(service: Service, *words: str, status: int = 0, **more: str) -> bytes:
    """Run a command next to *service*; return all that it prints."""
    ended = subprocess.run(
        [*INTEGRATIONS, *words], env=service.environment | more,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == status, ended.stdout
    return ended.stdout


def run_here(service: Service, *words: str, status: int = 0) -> bytes:
    """Run a command of `integrations keys` in this process, which is quicker."""
    ended = CliRunner().invoke(keys_commands, words, env=service.environment)
    assert ended.exit_code == status, ended.output
    return ended.output.encode()


def heard(answer: httpx2.Response) -> bytes:
    """Return all of *answer*."""
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return head.encode() + b"\n\n" + answer.content


# ----- What is done -----
def add_all(client: httpx2.Client, canaries: Canaries, name: str) -> Iterator[str]:
    """Add an integration of each type; yield their places."""
    for type_, provider in load_providers().items():
        body = {"name": name, "type": type_, "channel": provider.channel}
        body |= {field: canaries.new() for field in SECRETS}
        if type_ == "TWILIO":
            body["apiKey"] = SID  # or it would not be asked
        answer = client.post(PATH, json=body)
        assert answer.status_code == 201, answer.text
        yield answer.headers["location"]


def ask_providers(
    client: httpx2.Client, provider: Provider, places: list[str]
) -> Iterator[httpx2.Response]:
    """Check all *places*, each against every answer."""
    for provider.status, provider.content in ANSWERS:
        for place in places:
            yield client.post(f"{place}/check")
    # Two types are known without asking. The other four have seven regions: each is asked, but for
    # the first answer, which is ok for the types with several.
    assert provider.asked == 4 + 7 * (len(ANSWERS) - 1)


def change_keys(service: Service, database: Database, kek: str, damaged: str) -> Iterator[bytes]:
    """Rotate, rewrap with a damaged row, fail, and remove *kek*; yield all that is printed."""
    swap = "UPDATE integrations.secret_store SET wrapped_key = %s WHERE stream = %s RETURNING 1"
    yield run_here(service, "list")
    yield run_here(service, "rotate")
    told = run(service, "keys", "rewrap", status=1, CRASH_UNWRAPPING="yes")
    assert b"RuntimeError (its message is not shown" in told
    assert b"in unwrap_key" in told
    yield told
    database.execute(swap, (b"damaged", damaged))
    yield run_here(service, "rewrap", status=1)
    database.execute("DELETE FROM integrations.secret_store WHERE stream = %s", (damaged,))
    yield run_here(service, "remove", "--yes", kek)


def look_everywhere(client: httpx2.Client, places: list[str]) -> Iterator[httpx2.Response]:
    """Ask for all that shows something."""
    for place in places:
        yield client.get(place)
        yield client.get(f"{place}/history")
        yield client.get(f"{place}/credentials")
    for path in (
        *(
            PATH,
            f"{PATH}?asOf=999999",
            "/en/api/history-log?limit=200",
            "/en/api/integration-types",
            "/en/api/integration-changes?after=0&limit=500",
        ),
        *("/en/api/audit/export", "/en/api/audit/checkpoint", "/metrics", "/health/ready"),
    ):
        yield client.get(path)


def use_commands(service: Service) -> Iterator[bytes]:
    """Run every command that reads the log or what follows from it."""
    yield run(service, "replay")
    yield run(service, "replay", "--format", "table")
    yield run(service, "rebuild")
    yield run(service, "verify", status=1)  # the damaged row is gone


def keys_of(data_dir: Path, hidden: type[Hidden]) -> dict[str, Hidden]:
    """Return the keys of the service's own by the names of the files that may hold them."""
    keyring = msgspec.json.decode((data_dir / "keyring.json").read_bytes())
    found = {f"keyring.json {k['id']}": hidden(b64decode(k["key"])) for k in keyring["keks"]}
    for name in ("token-key.pem", "audit-key.pem", "lease-key.pem"):
        key = load_pem_private_key((data_dir / name).read_bytes(), password=None)
        found[name] = hidden(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    return found


def test_keys_checks_commands_failures_and_crashes_give_nothing_away(
    service: Service,
    database: Database,
    provider: Provider,
    public: Canaries,
    hidden: type[Hidden],
) -> None:
    data_dir, canaries = Path(service.environment["INTEGRATIONS_DATA_DIR"]), provider.canaries
    answers: list[httpx2.Response] = []
    printed: list[bytes] = []
    keys = keys_of(data_dir, hidden)
    (kek,) = (name.split()[1] for name in keys if " " in name)

    with service.caller(public.new()) as client:
        places = [*add_all(client, canaries, public.new())]
        answers += [
            client.put(f"{place}/credentials", json={"apiKey": canaries.new()})
            for place in places[1::2]
        ]
        answers += ask_providers(client, provider, places)
        body = {"name": "n", "type": "SENDGRID", "channel": "EMAIL"}
        answers.append(client.post(PATH, json=body | {"apiKey": f"crash {canaries.new()}"}))
        assert answers[-1].status_code == 500
        printed += change_keys(service, database, kek, places[0].rpartition("/")[2])
        answers += look_everywhere(client, places)
    printed += use_commands(service)
    printed.append(more_on_stdout(service))
    keys |= keys_of(data_dir, hidden)
    crash(service)
    database.execute("CHECKPOINT")
    told = b"\n".join([*map(heard, answers), *printed])

    assert {200, 500} <= {answer.status_code for answer in answers}
    assert canaries.found_in(told) == []
    assert canaries.found_under(data_dir) == {}
    assert len(keys) == 5
    for name, key in keys.items():
        assert key.found_in(told) == [], name
        # What is destroyed is nowhere; every other key is in its own file.
        its_own = set[str]() if kek in name else {name.split()[0]}
        assert set(key.found_under(data_dir)) == its_own, name
    # The negative control: what is public is found, in the export's base64 too, and in the logs.
    assert {"raw"} < {*public.found_in(told)}
    assert "service.log" in public.found_under(data_dir)


def more_on_stdout(service: Service) -> bytes:
    """Return what the service has printed on stdout after the line that says it is ready."""
    assert service.process.stdout is not None
    output = service.process.stdout.fileno()
    os.set_blocking(output, False)
    try:
        return os.read(output, 1 << 20)
    except BlockingIOError:
        return b""


def crash(service: Service) -> None:
    """Abort each worker, as a fault in a library would; no memory is left on the disk."""
    workers = psutil.Process(service.process.pid).children()
    for worker in workers:
        if "spawn_main" in " ".join(worker.cmdline()):
            os.kill(worker.pid, signal.SIGABRT)
    psutil.wait_procs(workers, timeout=1)
    assert [*Path.cwd().glob("core*")] == []
