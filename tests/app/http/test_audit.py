"""The audit endpoints, verified as a client that trusts only the key."""

import base64
import json
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx2
import pytest

from app.audit.checkpoint import Checkpoint, verify_checkpoint
from app.audit.export import ExportProof, verify_export
from app.audit.merkle import Frontier, TreeHead, leaf_hash
from app.audit.proofs import verify_consistency, verify_inclusion
from app.audit.signed_note import parse_verifier
from tests.support.service import Service

Problem = Callable[..., dict[str, Any]]
Body = dict[str, Any]
AUDIT = "/en/api/audit"
SOON = 60.0  # seconds; a checkpoint is signed every two


def append(client: httpx2.Client, body: Body, amount: int) -> None:
    """Make *amount* events."""
    for _ in range(amount):
        assert client.post("/en/api/integration", json=body).status_code == 201


def signed(client: httpx2.Client, size: int) -> dict[str, Any]:
    """Return the newest checkpoint as soon as it is one of *size* events."""
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        answer = client.get(f"{AUDIT}/checkpoint")
        if answer.status_code == 200 and answer.json()["result"]["data"]["size"] == size:
            return answer.json()["result"]["data"]
        time.sleep(0.2)
    pytest.fail(f"no checkpoint of {size} events within {SOON} s")


def opened(data: dict[str, Any], verifier_key: str) -> Checkpoint:
    """Return what a checkpoint says that *verifier_key*'s holder has verified."""
    return verify_checkpoint(data["checkpoint"].encode(), parse_verifier(verifier_key))


def data_of(client: httpx2.Client, path: str, **parameters: int) -> dict[str, Any]:
    answer = client.get(f"{AUDIT}/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    assert (result["message"], result["status"]) == ("Proof made successfully", 200)
    return result["data"]


def raw(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def exported(client: httpx2.Client) -> list[dict[str, Any]]:
    """Return the lines of the export."""
    answer = client.get(f"{AUDIT}/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["content-language"] == "en"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_checkpoint_proves_all_events_before_and_after_it(
    client: httpx2.Client, workspace: str, body: Body
) -> None:
    append(client, body, 3)
    kept = signed(client, 3)
    earlier = opened(kept, kept["verifierKey"])
    append(client, body, 2)
    newest = signed(client, 5)
    head = opened(newest, kept["verifierKey"]).head

    assert earlier.origin == f"integrations/{workspace}"
    assert (head.size, head.root) == (newest["size"], raw(newest["root"]))
    proof = data_of(client, "proof/consistency", **{"from": 3, "to": 5})
    assert (proof["from"], raw(proof["fromRoot"])) == earlier.head
    assert (proof["to"], raw(proof["toRoot"])) == head
    verify_consistency(earlier.head, head, [raw(each) for each in proof["proof"]])
    lines = exported(client)
    assert lines[-1]["position"] == newest["position"]
    for index, line in enumerate(lines):
        proof = data_of(client, "proof/inclusion", position=line["position"])
        assert (proof["leafIndex"], proof["leafHash"]) == (index, line["leafHash"])
        of = TreeHead(proof["treeSize"], opened(proof, kept["verifierKey"]).head.root)
        hashes = [raw(each) for each in proof["proof"]]
        verify_inclusion(leaf_hash(raw(line["bytes"])), index, hashes, of)


def test_many_events_are_proved_in_one_response(client: httpx2.Client, body: Body) -> None:
    append(client, body, 3)
    kept = signed(client, 3)
    positions = [line["position"] for line in exported(client)]
    wanted = ",".join(map(str, [*positions, positions[-1] + 10**6]))

    found = client.get(f"{AUDIT}/proof/inclusions?positions={wanted}").json()["result"]["data"]

    head = opened(found, kept["verifierKey"]).head
    assert (found["treeSize"], found["failed"]) == (3, [])
    assert found["notSigned"] == [positions[-1] + 10**6]
    for index, proof in enumerate(found["proofs"]):
        assert (proof["position"], proof["leafIndex"]) == (positions[index], index)
        verify_inclusion(
            raw(proof["leafHash"]), index, [raw(each) for each in proof["proof"]], head
        )


def test_the_export_has_every_leaf_of_the_root(client: httpx2.Client, body: Body) -> None:
    append(client, body, 4)
    lines, frontier = exported(client), Frontier()
    for line in lines:
        stored = raw(line["bytes"])
        assert leaf_hash(stored) == raw(line["leafHash"])
        assert json.loads(stored)["event"]["kind"] == "IntegrationCreated"
        frontier.append(leaf_hash(stored))
    assert [line["leafIndex"] for line in lines] == [0, 1, 2, 3]
    assert raw(signed(client, 4)["root"]) == frontier.head.root


def test_an_export_in_a_file_is_proved_by_the_verifier_key_alone(
    client: httpx2.Client, workspace: str, body: Body
) -> None:
    append(client, body, 2)
    newest = signed(client, 2)
    public_key = parse_verifier(newest["verifierKey"]).public_key
    file = BytesIO(client.get(f"{AUDIT}/export").content)
    assert verify_export(file, public_key) == ExportProof(workspace, 2, 2, newest["position"])
    lines = exported(client)
    assert [line.get("checkpoint") for line in lines] == [None, newest["checkpoint"]]


def test_the_export_of_an_empty_log_is_empty(client: httpx2.Client) -> None:
    assert exported(client) == []


def test_without_events_there_is_no_proof(client: httpx2.Client, problem: Problem) -> None:
    for path in (
        "checkpoint",
        "proof/inclusion?position=1",
        "proof/inclusions?positions=1",
        "proof/consistency?from=1&to=1",
    ):
        result = problem(client.get(f"{AUDIT}/{path}"), 404, "NOT_FOUND")
        assert [detail["code"] for detail in result["details"]] == ["NO_CHECKPOINT"]


def test_events_of_another_workspace_look_like_no_events(
    service: Service, client: httpx2.Client, workspace: str, body: Body, problem: Problem
) -> None:
    append(client, body, 1)
    there = signed(client, 1)["position"]
    with service.caller(f"{workspace}-other") as other:
        append(other, body, 1)
        signed(other, 1)
        answers = [
            problem(other.get(f"{AUDIT}/proof/inclusion?position={p}"), 404, "NOT_FOUND")
            for p in (there, 10**17)
        ]
        assert [line["position"] for line in exported(other)] != [there]
    assert {answer.pop("requestId") for answer in answers}
    assert answers[0] == answers[1]
    assert answers[0]["details"] == [
        {
            "field": "position",
            "code": "NOT_SIGNED",
            "message": "No event of this workspace that has been signed is at this position",
        }
    ]


@pytest.mark.parametrize("query", ["from=2&to=1", "from=1&to=2", "from=2&to=2"])
def test_states_that_never_existed_cannot_be_compared(
    client: httpx2.Client, body: Body, problem: Problem, query: str
) -> None:
    append(client, body, 1)
    signed(client, 1)
    result = problem(client.get(f"{AUDIT}/proof/consistency?{query}"), 404, "NOT_FOUND")
    assert [detail["code"] for detail in result["details"]] == ["NO_TREE"]


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("proof/inclusion", [("position", "REQUIRED")]),
        ("proof/inclusions", [("positions", "REQUIRED")]),
        ("proof/inclusions?positions=", [("positions", "WRONG_TYPE")]),
        ("proof/inclusions?positions=1,x", [("positions", "WRONG_TYPE")]),
        ("proof/inclusions?positions=1,0", [("positions", "OUT_OF_RANGE")]),
        (f"proof/inclusions?positions={','.join(['1'] * 21)}", [("positions", "TOO_MANY")]),
        ("proof/inclusion?position=0", [("position", "OUT_OF_RANGE")]),
        (
            "proof/inclusion?position=x&x=1",
            [("position", "WRONG_TYPE"), ("x", "UNKNOWN_PARAMETER")],
        ),
        ("proof/consistency", [("from", "REQUIRED"), ("to", "REQUIRED")]),
        ("proof/consistency?from=-1", [("to", "REQUIRED"), ("from", "OUT_OF_RANGE")]),
        ("proof/consistency?from=1&from=2&to=2", [("from", "REPEATED_PARAMETER")]),
        ("checkpoint?size=1", [("size", "UNKNOWN_PARAMETER")]),
        ("export?from=1", [("from", "UNKNOWN_PARAMETER")]),
    ],
)
def test_every_wrong_parameter_is_named(
    client: httpx2.Client, problem: Problem, path: str, wrong: list[tuple[str, str]]
) -> None:
    result = problem(client.get(f"{AUDIT}/{path}"), 400, "VALIDATION_ERROR")
    assert [(detail["field"], detail["code"]) for detail in result["details"]] == wrong


@pytest.mark.parametrize(
    "path",
    [
        "checkpoint",
        "export",
        "proof/inclusion?position=1",
        "proof/inclusions?positions=1",
        "proof/consistency?from=1&to=1",
    ],
)
def test_audit_endpoints_require_the_audit_permission(
    service: Service, workspace: str, problem: Problem, path: str
) -> None:
    with service.caller(workspace, role="VIEWER") as viewer:
        problem(viewer.get(f"{AUDIT}/{path}"), 403, "FORBIDDEN")
    problem(httpx2.get(f"{service.address}{AUDIT}/{path}"), 401, "UNAUTHORIZED")
