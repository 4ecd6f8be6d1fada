"""integrations audit-key, next to a running service, as an operator types it."""

import time
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from click.testing import CliRunner

from app.audit.export import verify_export
from app.audit.signed_note import parse_verifier
from scripts.commands.audit_key import audit_key_commands
from tests.support.service import StartService

BODY = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.first"}
SOON = 40.0  # seconds


def signed(client: httpx2.Client, size: int) -> dict[str, Any]:
    """Return the newest checkpoint as soon as it is one of *size* events."""
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        answer = client.get("/en/api/audit/checkpoint")
        if answer.status_code == 200 and answer.json()["result"]["data"]["size"] == size:
            return answer.json()["result"]["data"]
        time.sleep(0.2)
    raise TimeoutError


def test_a_running_service_takes_the_new_key_and_serves_the_chain(
    start_service: StartService, data_dir: Path, dsn: str, tmp_path: Path
) -> None:
    kept = tmp_path / "verifier.txt"
    with start_service(data_dir, database_url=dsn) as service, service.caller() as client:
        assert client.post("/en/api/integration", json=BODY).status_code == 201
        first = signed(client, 1)
        kept.write_text(first["verifierKey"])
        pem = (data_dir / "audit-key.pem").read_text()
        rotated = CliRunner().invoke(audit_key_commands, ["rotate"], env=service.environment)
        assert rotated.exit_code == 0, rotated.exception
        assert client.post("/en/api/integration", json=BODY).status_code == 201
        second = signed(client, 2)
        export = client.get("/en/api/audit/export").content

        assert first["keyChanges"] == []
        assert len(second["keyChanges"]) == 1
        assert second["verifierKey"] != first["verifierKey"]
        public_key = parse_verifier(first["verifierKey"]).public_key
        assert verify_export(BytesIO(export), public_key).signed == 2
        for words in ((), ("--key", kept)):
            proved = service.run("verify", *words)
            assert (proved.returncode, proved.stderr) == (0, ""), proved.stdout

    (line,) = [line for line in rotated.stderr.splitlines() if line.startswith("{")]
    logged = msgspec.json.decode(line)
    verifier = rotated.stdout.splitlines()[-1]
    assert (logged["command"], logged["outcome"]) == ("audit-key rotate", "done")
    assert logged["ids"] == {"verifier_key": verifier}
    assert pem.splitlines()[1][20:] not in rotated.output
    assert (data_dir / "audit-key.pem").read_text() != pem

    # The key is lost: a new beginning, after a question, which verify names from then on.
    (data_dir / "audit-key.pem").unlink()
    refused = CliRunner().invoke(
        audit_key_commands, ["rotate", "--lost"], input="n\n", env=service.environment
    )
    assert refused.exit_code == 1
    assert service.run("audit-key", "rotate").stderr.count("\n") == 2  # one of them the log's
    assert service.run("audit-key", "rotate", "--lost", "--yes").returncode == 0
    proved = service.run("verify")
    assert proved.returncode == 0
    assert "After position 2 begins what another key signs" in proved.stdout
