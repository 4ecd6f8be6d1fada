"""The security log of a running service: one line for each refusal and each read of the trail."""

import json
import string
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from app.settings import read_settings
from app.tokens.jwt import sign
from app.tokens.local_key import open_local_key
from scripts.commands.issue_token import issue
from tests.support.service import NO_TLS, Service, StartService, new_data_dir

Problem = Callable[..., dict[str, Any]]
Claims = dict[str, object]
PATH = "/en/api/integration"
NOTHING = f"{PATH}/int_00000000000000000000000000"
ROUTE = "/{locale}/api/integration"
TIMEOUT = 60.0  # seconds until all lines of a request are there: the access log's comes last
INVALID = 'Bearer error="invalid_token"'


def security_lines(service: Service, request_id: str) -> list[dict[str, Any]]:
    """Return the lines of the security log about the request."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        found = service.log_file.read_bytes().split(b"\n")[:-1]  # the last may be incomplete
        lines = [json.loads(line) for line in found if request_id.encode() in line]
        if "access" in [line["source"] for line in lines]:
            return [line for line in lines if line["source"] == "security"]
        time.sleep(0.01)
    pytest.fail("there is no line")


@pytest.fixture(scope="module")
def anyone(service: Service) -> Generator[httpx2.Client]:
    """A client without a token."""
    with httpx2.Client(base_url=service.address, verify=NO_TLS, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def signed(service: Service) -> Callable[..., str]:
    """Sign a token with the service's own key; keywords change its claims, None takes one out."""
    data_dir = read_settings(service.environment).data_dir
    private = load_pem_private_key((data_dir / "token-key.pem").read_bytes(), password=None)
    assert isinstance(private, Ed25519PrivateKey)
    kid = open_local_key(data_dir).kid
    usual: Claims = {
        "iss": "integrations",
        "aud": "integrations",
        "exp": time.time() + 600,
        "sub": "canary-sub",
        "workspaceId": "security",
        "role": "ADMIN",
    }

    def build(**changes: object) -> str:
        claims = {name: value for name, value in (usual | changes).items() if value is not None}
        return sign(claims, private, kid)

    return build


# ----- 401 -----
REFUSED: dict[str, tuple[Claims, str, str | None]] = {
    "expired": ({"exp": 1}, "expired", "canary-sub"),
    "no end": ({"exp": None}, "no_expiry", "canary-sub"),
    "not yet valid": ({"nbf": 9e9}, "not_yet_valid", "canary-sub"),
    "wrong audience (nexus#3703)": ({"aud": "canary-aud"}, "audience", "canary-sub"),
    "wrong issuer": ({"iss": "https://canary.test"}, "issuer", "canary-sub"),
    "no workspace (nexus#3703)": ({"workspaceId": None}, "workspace", "canary-sub"),
    "malformed workspace": ({"workspaceId": "canary\nws"}, "workspace", "canary-sub"),
    "no permissions": ({"role": None}, "permissions", "canary-sub"),
    "unknown role": ({"role": "CANARY"}, "permissions", "canary-sub"),
    "no subject": ({"sub": None}, "subject", None),
    "subject with a line break": ({"sub": 'canary\n{"source":"security"}'}, "subject", None),
    "subject from right to left": ({"sub": "canary\u202e"}, "subject", None),
    "subject without end": ({"sub": "canary" * 100, "exp": 1}, "expired", None),
}


@pytest.mark.parametrize(("claims", "reason", "subject"), REFUSED.values(), ids=REFUSED)
def test_the_log_says_why_a_token_is_refused_and_the_caller_does_not_learn_it(  # noqa: PLR0913, PLR0917 — fixtures
    service: Service,
    anyone: httpx2.Client,
    signed: Callable[..., str],
    claims: Claims,
    reason: str,
    subject: str | None,
) -> None:
    answer = anyone.get(PATH, headers={"Authorization": f"Bearer {signed(**claims)}"})

    assert answer.status_code == 401
    assert "details" not in answer.json()["result"]
    assert answer.headers["www-authenticate"] == INVALID
    [line] = security_lines(service, answer.headers["x-request-id"])
    timestamp = line.pop("timestamp")
    assert timestamp.endswith("Z")
    assert line == {
        "source": "security",
        "status": 401,
        "reason": reason,
        "permission": "integrations:view",
        "method": "GET",
        "route": ROUTE,
        "subject": subject,
        "workspace": None,
        "address": "127.0.0.1",
        "request_id": answer.headers["x-request-id"],
        "event": "refused",
        "level": "warning",
    }
    assert "canary" not in json.dumps(line | {"subject": None}).lower()


MISSING: dict[str, dict[str, str]] = {
    "nothing": {},
    "another scheme": {"Authorization": "Basic Y2FuYXJ5"},
    "an empty one": {"Authorization": "Bearer"},
}


@pytest.mark.parametrize("headers", MISSING.values(), ids=MISSING)
def test_a_request_without_a_token_is_asked_for_one(
    service: Service, anyone: httpx2.Client, problem: Problem, headers: dict[str, str]
) -> None:
    answer = anyone.get(PATH, headers=headers)
    problem(answer, 401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"] == "Bearer"
    [line] = security_lines(service, answer.headers["x-request-id"])
    assert (line["reason"], line["subject"]) == ("no_token", None)


@settings(max_examples=60)
@given(
    st.integers(0), st.text(string.ascii_letters + string.digits + "-_.=~", min_size=1, max_size=1)
)
def test_a_token_that_is_changed_in_one_place_leaves_one_line_without_any_of_it(
    service: Service, anyone: httpx2.Client, signed: Callable[..., str], place: int, put: str
) -> None:
    good = signed(exp=9e9)
    place %= len(good)
    token = good[:place] + put + good[place + 1 :]
    assume(token != good)
    answer = anyone.get(PATH, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    [line] = security_lines(service, answer.headers["x-request-id"])
    assert line["subject"] is None
    assert line["reason"] in {"signature", "malformed", "algorithm", "unknown_key", "type"}
    told = json.dumps(line)
    assert "canary" not in told
    assert not [token[at : at + 8] for at in range(len(token) - 8) if token[at : at + 8] in told]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["sub", "name", "email", "workspaceId", "role", "exp", "aud"]), JSON
    )
)
def test_any_signed_claims_leave_whole_lines(
    service: Service, anyone: httpx2.Client, signed: Callable[..., str], claims: Claims
) -> None:
    try:
        token = signed(**claims)
    except UnicodeEncodeError:
        return
    answer = anyone.get("/en/api/history-log", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in {200, 401}
    [line] = security_lines(service, answer.headers["x-request-id"])
    assert line["event"] == ("granted" if answer.status_code == 200 else "refused")
    assert len(json.dumps(line)) < 4_000
    assert len(line["subject"] or "") <= 255
    assert not {"\n", "\r", "\x1b", "\u2028", "\u202e"} & {*(line["subject"] or "")}


# ----- 403 and 429 -----
def test_the_log_says_which_permission_was_lacking(
    service: Service, problem: Problem, workspace: str
) -> None:
    with service.caller(workspace, "VIEWER") as viewer:
        answers = [
            viewer.post(PATH, json={}),
            viewer.delete(NOTHING),
            viewer.get("/en/api/audit/export"),
        ]
    for answer, permission in zip(
        answers, ["integrations:create", "integrations:delete", "audit:view"], strict=True
    ):
        problem(answer, 403, "FORBIDDEN")
        [line] = security_lines(service, answer.headers["x-request-id"])
        told = (line["event"], line["status"], line["reason"], line["permission"])
        assert told == ("refused", 403, "permission", permission)
        assert (line["subject"], line["workspace"]) == ("t", workspace)


@pytest.fixture(scope="module")
def limited(start_service: StartService, server_dsn: str) -> Generator[Service]:
    """A service with a rate limit behind a proxy, that logs errors only."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE limited_service")
    chosen = {"rate_limit": "0.01", "rate_burst": "2", "log_level": "ERROR"}
    chosen |= {
        "trusted_proxies": "127.0.0.1",
        "database_url": make_conninfo(server_dsn, dbname="limited_service"),
    }
    with new_data_dir() as folder, start_service(folder, **chosen) as running:
        yield running


def test_the_log_says_who_exceeds_a_rate_whatever_its_level(limited: Service) -> None:
    with limited.caller("hasty") as client:
        client.headers["X-Forwarded-For"] = "1.2.3.4, 198.51.100.7"
        client.get("/en/api/history-log")
        client.get(PATH)
        answer = client.get(PATH)
    assert answer.status_code == 429
    granted, refused = read_lines(limited.log_file)
    assert (granted["event"], granted["level"]) == ("granted", "info")
    told = (refused["event"], refused["status"], refused["reason"], refused["subject"])
    assert told == ("refused", 429, "rate_limit", "t")
    assert granted["address"] == refused["address"] == "198.51.100.7"
    assert refused["request_id"] == answer.headers["x-request-id"]


def read_lines(log_file: Path) -> list[dict[str, Any]]:
    """Return the lines of the security log in *log_file*."""
    lines = [json.loads(line) for line in log_file.read_bytes().splitlines()]
    return [line for line in lines if line["source"] == "security"]


# ----- Reads of the audit trail -----
READS = {
    "history of the workspace": "/en/api/history-log",
    "history of an integration": f"{NOTHING}/history",
    "checkpoint": "/en/api/audit/checkpoint",
    "inclusion": "/en/api/audit/proof/inclusion?position=1",
    "consistency": "/en/api/audit/proof/consistency?from=1&to=1",
    "export": "/en/api/audit/export",
}


@pytest.mark.parametrize("path", READS.values(), ids=READS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_of_the_trail_leaves_a_line_with_its_reader(
    service: Service, client: httpx2.Client, workspace: str, method: str, path: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code in {200, 404}
    [line] = security_lines(service, answer.headers["x-request-id"])
    told = (line["event"], line["level"], line["permission"], line["reason"], line["status"])
    assert told == ("granted", "info", "audit:view", None, None)
    assert (line["subject"], line["workspace"]) == ("t", workspace)
    assert (line["method"], line["address"]) == ("GET", "127.0.0.1")


@pytest.mark.parametrize("path", [PATH, NOTHING, "/en/api/integration-types", "/health/live"])
def test_other_reads_leave_none(service: Service, client: httpx2.Client, path: str) -> None:
    answer = client.get(path)
    assert security_lines(service, answer.headers["x-request-id"]) == []


def test_the_line_of_a_read_has_a_subject_as_long_as_the_token_may_have(
    service: Service, anyone: httpx2.Client
) -> None:
    longest = "\u00e9" * 255
    token = issue(
        read_settings(service.environment), workspace="w", subject=longest, ttl=60, role="ADMIN"
    )
    headers = {"Authorization": f"Bearer {token}"}
    answer = anyone.get("/en/api/history-log", headers=headers)
    [line] = security_lines(service, answer.headers["x-request-id"])
    assert line["subject"] == longest
