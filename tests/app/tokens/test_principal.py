from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tokens.errors import UnauthorizedError
from app.tokens.principal import (
    AUDIT,
    CREATE,
    DELETE,
    EDIT,
    PERMISSIONS,
    VIEW,
    Principal,
    principal_from,
)
from domain.envelope import Actor

GIVEN: Mapping[str, object] = {"sub": "u1", "workspaceId": "ws", "role": "VIEWER"}


def test_a_principal_is_who_where_and_what() -> None:
    claims = {**GIVEN, "name": "Ana Pérez", "email": "ana@example.com", "iss": "ignored"}
    actor = Actor(sub="u1", name="Ana Pérez", email="ana@example.com")
    assert principal_from(claims) == Principal(actor, "ws", frozenset({VIEW}))


def test_name_and_email_may_be_absent_null_or_blank() -> None:
    nobody = Actor(sub="u1")
    assert principal_from(GIVEN).actor == nobody
    assert principal_from({**GIVEN, "name": None, "email": None}).actor == nobody
    assert principal_from({**GIVEN, "name": "", "email": " "}).actor == nobody


def test_a_role_allows_what_the_contract_says() -> None:
    everything = {VIEW, CREATE, EDIT, DELETE, AUDIT}
    assert permissions(role="ADMIN") == everything == PERMISSIONS
    assert permissions(role="EDITOR") == {"integrations:view"}
    assert permissions(role="VIEWER") == {"integrations:view"}


def test_a_list_of_permissions_allows_what_it_names() -> None:
    assert permissions(permissions=[CREATE, AUDIT]) == {CREATE, AUDIT}
    assert permissions(permissions=[]) == frozenset()


def test_an_unknown_permission_allows_nothing_and_harms_nothing() -> None:
    assert permissions(permissions=[VIEW, "campaigns:edit", "integrations:*", "*"]) == {VIEW}


def test_a_list_rules_over_a_role() -> None:
    assert permissions(permissions=[VIEW], role="ADMIN") == {VIEW}
    assert permissions(permissions=[], role="ADMIN") == frozenset()
    assert permissions(permissions=None, role="ADMIN") == PERMISSIONS


@pytest.mark.parametrize(
    "claims",
    [
        {"role": None},
        {"role": ""},
        {"role": "OWNER"},
        {"role": "admin"},
        {"role": ["ADMIN"]},
        {"permissions": "integrations:view"},
        {"permissions": {"integrations:view": True}},
        {"permissions": [VIEW, 1]},
        {"permissions": [[VIEW]]},
        {"permissions": False},
    ],
)
def test_a_token_that_does_not_say_what_it_allows_is_refused(claims: dict[str, object]) -> None:
    refused({**GIVEN, **claims})


@pytest.mark.parametrize(
    "workspace",
    [None, "", "a" * 65, "a b", "a\n", "../a", "ä", "a.b", "a/b", "٣", "a\x00", 1, ["ws"], "%"],
)
def test_a_malformed_workspace_is_refused(workspace: object) -> None:
    refused({**GIVEN, "workspaceId": workspace})


@pytest.mark.parametrize("workspace", ["a", "A-z_09", "-", "a" * 64])
def test_a_well_formed_workspace_is_taken_as_it_is(workspace: str) -> None:
    assert principal_from({**GIVEN, "workspaceId": workspace}).workspace == workspace


@pytest.mark.parametrize("sub", [None, "", "  "])
def test_a_token_of_nobody_is_refused(sub: object) -> None:
    refused({**GIVEN, "sub": sub})


@pytest.mark.parametrize("claim", ["sub", "name", "email"])
@pytest.mark.parametrize(
    "value",
    [
        "a" * 256,
        "a\nb",
        "a\r",
        "\x00",
        "\x1b[2J",
        "\x7f",
        "\x85",
        "\u2028",
        "\ud800",
        1,
        True,
        ["a"],
    ],
)
def test_an_actor_that_could_forge_a_line_is_refused(claim: str, value: object) -> None:
    refused({**GIVEN, claim: value})


@pytest.mark.parametrize("claim", ["sub", "name", "email"])
def test_an_actor_has_at_most_255_characters(claim: str) -> None:
    assert getattr(principal_from({**GIVEN, claim: "é" * 255}).actor, claim) == "é" * 255


@given(
    st.dictionaries(
        st.sampled_from(["sub", "name", "email", "workspaceId", "permissions", "role"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    )
)
def test_any_claims_are_refused_or_storable(claims: dict[str, object]) -> None:
    try:
        principal = principal_from(claims)
    except UnauthorizedError:
        return
    assert principal.permissions <= PERMISSIONS
    assert principal.actor.sub.encode().strip()


def permissions(**claims: object) -> frozenset[str]:
    return principal_from({"sub": "u1", "workspaceId": "ws", **claims}).permissions


def refused(claims: Mapping[str, object]) -> None:
    with pytest.raises(UnauthorizedError) as raised:
        principal_from(claims)
    assert "OWNER" not in str(raised.value)
