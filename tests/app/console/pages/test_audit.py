"""The proof: the newest checkpoint, a kept one, and the log as a file."""

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest

from app.audit.checkpoint import open_checkpoint_key, sign_checkpoint
from app.audit.merkle import TreeHead
from tests.support.service import Service
from tests.support.waiting import wait_until

AUDIT = "/console/en/audit"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
API = "/en/api/integration"
DAMAGE: LiteralString = """
UPDATE integrations.audit_tiles SET hashes = set_byte(hashes, 0, 0) WHERE workspace_id = %s
"""
ROOT = "A" * 43 + "="


def add_and_sign(client: httpx2.Client, size: int) -> str:
    """Add one integration; return the checkpoint of *size* events as soon as it is signed."""
    body = {"name": "n", "type": "SENDGRID", "channel": "EMAIL"}
    assert client.post(API, json=body).status_code == 201

    def newest() -> dict[str, Any]:
        answer = client.get("/en/api/audit/checkpoint")
        return answer.json()["result"]["data"] or {"size": 0}

    wait_until(lambda: newest()["size"] == size)
    return newest()["checkpoint"]


@pytest.fixture
def kept(client: httpx2.Client) -> str:
    """A checkpoint that somebody kept before the log grew."""
    kept = add_and_sign(client, 1)
    add_and_sign(client, 2)
    return kept


def verdict(console: httpx2.Client, kept: str) -> str:
    """Return the state and the title of what the page says of *kept*."""
    page = unescape(console.get(AUDIT, params={"kept": kept}).text)
    assert kept.strip() in page.replace("\r\n", "\n")
    state = page.partition('<section class="verdict ')[2].partition('"')[0]
    title = page.partition('id="verdict">')[2].partition("</h2>")[0]
    return f"{state}: {title}"


def test_the_newest_checkpoint_is_there_to_copy(
    console: httpx2.Client, client: httpx2.Client
) -> None:
    note = add_and_sign(client, 1)

    page = unescape(console.get(AUDIT).text)

    assert note in page
    assert client.get("/en/api/audit/checkpoint").json()["result"]["data"]["verifierKey"] in page


def test_before_the_first_checkpoint_the_page_says_so(console: httpx2.Client) -> None:
    assert "Nothing is signed yet" in console.get(AUDIT).text


def test_a_kept_checkpoint_is_proved_however_it_is_pasted(
    console: httpx2.Client, kept: str
) -> None:
    for line_end in ("\n", "\r\n", "  \n"):
        pasted = f"\n{kept}\n".replace("\n", line_end)
        page = console.get(AUDIT, params={"kept": pasted}).text
        assert 'class="verdict proved"' in page
        assert "Proved: the log continues your checkpoint" in page


# Which line of the checkpoint says what instead, and what the page says of it.
ALTERED = [
    (2, ROOT, "unsigned"),
    (1, "2", "unsigned"),
    (1, "9" * 18, "unsigned"),
    (1, "0", "unsigned"),
    (-2, "", "unsigned"),  # the signature
    (-2, "— integrations AAAA", "unsigned"),
    (0, "two words", "unsigned"),
    (0, "integrations/other", "foreign"),
    (0, "integrations", "foreign"),
]


def test_a_checkpoint_that_was_not_signed_here_accuses_nobody(
    console: httpx2.Client, kept: str
) -> None:
    for line, text, expected in ALTERED:
        lines = kept.split("\n")
        lines[line] = text
        said = verdict(console, "\n".join(lines))
        assert said.startswith(f"{expected}: This ")


def test_a_signed_checkpoint_that_the_log_does_not_continue_is_not_proved(
    console: httpx2.Client, kept: str, service: Service, workspace: str
) -> None:
    assert kept
    key = open_checkpoint_key(Path(service.environment["INTEGRATIONS_DATA_DIR"]))
    for size, expected in ((1, "changed: Not proved"), (9_999, "shorter: Not proved")):
        signed = sign_checkpoint(TreeHead(size, bytes(32)), 10**9, key.signer(workspace))

        assert verdict(console, signed.decode()).startswith(expected)


def test_a_tree_that_was_changed_is_not_proved(
    console: httpx2.Client, kept: str, service: Service, workspace: str
) -> None:
    with psycopg.connect(service.environment["INTEGRATIONS_DATABASE_URL"]) as database:
        database.execute("SET session_replication_role = replica")
        changed = database.execute(
            DAMAGE,
            [workspace],
        )
        assert changed.rowcount

    assert verdict(console, kept).startswith("broken: Not proved")


def test_the_export_is_the_bytes_of_the_api_as_a_file(
    console: httpx2.Client, client: httpx2.Client, kept: str, workspace: str
) -> None:
    assert kept
    answer = console.get(f"{AUDIT}/export")

    assert answer.content == client.get("/en/api/audit/export").content
    assert answer.content.count(b"\n") == 2
    disposition = f'attachment; filename="log-{workspace}.jsonl"'
    assert answer.headers["content-disposition"] == disposition
    assert answer.headers["content-type"] == "application/jsonl"
    assert f'href="{AUDIT}/export" download' in unescape(console.get(AUDIT).text)


def test_the_command_of_the_page_proves_the_files_that_it_leads_to(
    console: httpx2.Client, kept: str, workspace: str, tmp_path: Path
) -> None:
    assert kept
    page = unescape(console.get(AUDIT).text)
    command = page.partition(">integrations ")[2].partition("<")[0]

    for path in re.findall(r'href="([^"]+)" download', page):
        answer = console.get(path)
        name = answer.headers["content-disposition"].partition('filename="')[2].rstrip('"')
        (tmp_path / name).write_bytes(answer.content)
    program = [sys.executable, "-m", "scripts.commands.cli", *command.split()]
    done = subprocess.run(
        program, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"2 events of workspace {workspace}, ")


def test_a_file_of_a_checkpoint_is_no_page_before_the_first_one(console: httpx2.Client) -> None:
    for file in ("checkpoint", "verifier"):
        answer = console.get(f"{AUDIT}/{file}")
        assert answer.status_code == 404
        assert "content-disposition" not in answer.headers


def test_what_a_proof_means_stands_where_the_history_leads(
    console: httpx2.Client, client: httpx2.Client
) -> None:
    add_and_sign(client, 1)
    assert f'href="{AUDIT}#meaning"' in console.get("/console/en/history").text

    meaning = console.get(AUDIT).text.partition('id="meaning"')[2].partition("</section>")[0]

    for word in ("checkpoint", "entry", "position"):
        assert word in meaning


def test_who_may_not_see_the_proof_is_told_the_permission(
    reader: httpx2.Client, visitor: httpx2.Client
) -> None:
    answer = reader.get(AUDIT)
    assert answer.status_code == 403
    assert "audit:view" in answer.text
    for place in ("export", "checkpoint", "verifier"):
        file = reader.get(f"{AUDIT}/{place}")
        assert file.status_code == 403
        assert file.headers["content-type"] == "text/html; charset=utf-8"
        assert "content-disposition" not in file.headers
        assert visitor.get(f"{AUDIT}/{place}").status_code == 303
