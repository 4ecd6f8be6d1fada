"""docs/workers.md: the program on the page opens a lease, and no changed one."""

import json
import re
import subprocess
import sys
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.tokens.thumbprint import thumbprint
from app.tokens.worker_key import open_worker_key
from tests.support.service import Service

Lease = dict[str, Any]
PAGE = (Path(__file__).parents[2] / "docs/workers.md").read_text()
VECTORS = Path(__file__).parents[1] / "contract/leases.json"
[PROGRAM] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def run_program(lease: Lease, mark: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, lease["lease"], lease["integrationId"], mark,
         str(folder / "key.pem"), str(folder / "lease-key.json")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def lease(service: Service, tmp_path: Path) -> tuple[Lease, str]:
    """A lease of a SendGrid connection, and the thumbprint of the key in tmp_path."""
    recipient = open_worker_key(tmp_path / "key.pem")
    key = load_pem_private_key((tmp_path / "key.pem").read_bytes(), password=None)
    assert isinstance(key, X25519PrivateKey)
    workspace = "docs-workers"
    body = {"name": "Mail", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.example"}
    with service.caller(workspace) as client:
        created = client.post("/en/api/integration", json=body).json()["result"]["data"]["id"]
        [shown] = client.get("/en/api/lease-keys").json()["result"]["data"]
    (tmp_path / "lease-key.json").write_text(json.dumps(shown))
    options = ("--permission", "integrations:resolve", "--recipient", recipient)
    with service.client(*options, workspace=workspace) as worker:
        answer = worker.post(f"/en/api/integration/{created}/lease").json()["result"]["data"]
    return answer, thumbprint("X25519", key.public_key().public_bytes_raw())


def test_the_program_opens_a_lease(lease: tuple[Lease, str], tmp_path: Path) -> None:
    ended = run_program(*lease, tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert "'apiKey'" in ended.stdout


def test_the_program_refuses_a_changed_lease(lease: tuple[Lease, str], tmp_path: Path) -> None:
    answer, mark = lease
    head, claims, signature = answer["lease"].split(".")
    forged = ".".join((head, claims[:-8] + claims[-8:].swapcase(), signature))

    assert (
        "InvalidSignatureError" in run_program({**answer, "lease": forged}, mark, tmp_path).stderr
    )


def test_the_vectors_look_like_a_lease_of_the_service(lease: tuple[Lease, str]) -> None:
    token = lease[0]["lease"]
    for vector in json.loads(VECTORS.read_text())["accepted"]:
        assert names_in(vector["lease"]) == names_in(token)


def names_in(token: str) -> list[list[str]]:
    return [[*json.loads(urlsafe_b64decode(part + "=="))] for part in token.split(".")[:2]]
