"""Who may lease: the permission alone, and a key that the token names."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.tokens.principal import PERMISSIONS, RESOLVE, ROLES
from tests.support.service import Service
from tests.support.worker import UNUSABLE, client_with, jwk_of

Problem = Callable[..., dict[str, Any]]
PATH = "/en/api/integration"
CNF = {"jwk": jwk_of(X25519PrivateKey.generate())}
ALLOWED: dict[str, dict[str, object]] = {
    "resolve": {"permissions": [RESOLVE]},
    "all permissions": {"permissions": sorted(PERMISSIONS)},
    **{f"{role} and resolve": {"role": role, "permissions": [RESOLVE]} for role in ROLES},
}
FORBIDDEN: dict[str, dict[str, object]] = {
    "none": {"permissions": []},
    **{permission: {"permissions": [permission]} for permission in sorted(PERMISSIONS - {RESOLVE})},
    "all others": {"permissions": sorted(PERMISSIONS - {RESOLVE})},
    "another case": {"permissions": [RESOLVE.upper()]},
    "a longer one": {"permissions": [f"{RESOLVE}:all", "integrations:*", "*"]},
    **{role: {"role": role} for role in ROLES},
    "ADMIN and none": {"role": "ADMIN", "permissions": []},
}


@pytest.fixture
def lease_path(client: httpx2.Client, body: dict[str, Any]) -> str:
    created = client.post(PATH, json={**body, "apiKey": "SG.a-key-that-nobody-may-see"})
    return f"{created.headers['location']}/lease"


@pytest.mark.parametrize("who", ALLOWED)
def test_with_the_permission_there_is_a_lease(
    service: Service, workspace: str, lease_path: str, who: str
) -> None:
    with client_with(service, workspaceId=workspace, cnf=CNF, **ALLOWED[who]) as caller:
        assert caller.post(lease_path).status_code == 200


@pytest.mark.parametrize("who", FORBIDDEN)
def test_without_the_permission_there_is_none(
    service: Service, workspace: str, lease_path: str, problem: Problem, who: str
) -> None:
    with client_with(service, workspaceId=workspace, cnf=CNF, **FORBIDDEN[who]) as caller:
        problem(caller.post(lease_path), 403, "FORBIDDEN")


@pytest.mark.parametrize("how", UNUSABLE)
def test_without_a_usable_key_there_is_none(
    service: Service, workspace: str, lease_path: str, problem: Problem, how: str
) -> None:
    claims = {"permissions": [RESOLVE], "cnf": UNUSABLE[how]}
    with client_with(service, workspaceId=workspace, **claims) as caller:
        problem(caller.post(lease_path), 403, "RECIPIENT_REQUIRED")


def test_a_worker_may_do_nothing_else(
    service: Service, workspace: str, lease_path: str, problem: Problem
) -> None:
    place = lease_path.removesuffix("/lease")
    others = (
        ("GET", PATH), ("POST", PATH), ("GET", place), ("PATCH", place), ("DELETE", place),
        ("GET", f"{place}/credentials"), ("PUT", f"{place}/credentials"),
        ("POST", f"{place}/toggle"), ("POST", f"{place}/check"), ("GET", f"{place}/history"),
        ("GET", f"{place}/accesses"), ("GET", "/en/api/integration-accesses"),
        ("GET", "/en/api/history-log"), ("GET", "/en/api/audit/export"),
    )  # fmt: skip
    with client_with(service, workspaceId=workspace, cnf=CNF, permissions=[RESOLVE]) as worker:
        for method, path in others:
            problem(worker.request(method, path), 403, "FORBIDDEN")
