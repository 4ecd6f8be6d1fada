from collections.abc import Mapping
from unicodedata import category

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
    RESOLVE,
    VIEW,
    Principal,
    plain_claim,
    principal_from,
)
from domain.envelope import Actor

GIVEN: Mapping[str, object] = {"sub": "u1", "workspaceId": "ws", "role": "VIEWER"}
EXP = 1_760_000_000.0


def test_a_principal_is_who_where_and_what() -> None:
    claims = {**GIVEN, "name": "Ana Pérez", "email": "ana@example.com", "iss": "ignored"}
    actor = Actor(sub="u1", name="Ana Pérez", email="ana@example.com")
    assert principal_from(claims, EXP) == Principal(actor, "ws", frozenset({VIEW}), EXP)


def test_name_and_email_may_be_absent_null_or_blank() -> None:
    nobody = Actor(sub="u1")
    assert principal_from(GIVEN, EXP).actor == nobody
    assert principal_from({**GIVEN, "name": None, "email": None}, EXP).actor == nobody
    assert principal_from({**GIVEN, "name": "", "email": " "}, EXP).actor == nobody
    assert principal_from({**GIVEN, "name": "\u3164", "email": "\u2800"}, EXP).actor == nobody


def test_a_role_allows_what_the_contract_says() -> None:
    everything = {VIEW, CREATE, EDIT, DELETE, AUDIT}
    assert permissions(role="ADMIN") == everything == PERMISSIONS - {RESOLVE}
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
    assert permissions(permissions=None, role="ADMIN") == PERMISSIONS - {RESOLVE}


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
    assert principal_from({**GIVEN, "workspaceId": workspace}, EXP).workspace == workspace


@pytest.mark.parametrize("sub", [None, "", "  ", "\u3164", "\u2800 "])
def test_a_token_of_nobody_is_refused(sub: object) -> None:
    refused({**GIVEN, "sub": sub})


NOT_PLAIN: dict[str, object] = {
    "too long": "a" * 256,
    "line feed": "a\nb",
    "carriage return": "a\r",
    "NUL": "\x00",
    "escape sequence": "\x1b[2J",
    "DEL": "\x7f",
    "C1 control": "\x85",
    "line separator": "\u2028",
    "paragraph separator": "a\u2029",
    "half of a surrogate pair": "\ud800",
    "right-to-left override": "admin\u202egpj.nimda",
    "left-to-right embedding": "\u202aa",
    "isolate": "a\u2067b\u2069",
    "right-to-left mark": "a\u200f",
    "Arabic letter mark": "\u061ca",
    "zero-width space": "ad\u200bmin",
    "word joiner": "ad\u2060min",
    "byte order mark": "\ufeffadmin",
    "soft hyphen": "ad\u00admin",
    "interlinear annotation": "a\ufff9b",
    "tag characters": "admin\U000e0041",
    "combining grapheme joiner": "ad\u034fmin",
    "musical format control": "ad\U0001d173min",
    "shorthand format control": "ad\U0001bca0min",
    "Hangul filler": "ad\u3164min",
    "half-width Hangul filler": "ad\uffa0min",
    "Khmer vowel that shows nothing": "ad\u17b4min",
    "Mongolian separator": "ad\u180emin",
    "invisible times": "ad\u2062min",
    "object replacement": "ad\ufffcmin",
    "joiner between Latin letters": "ad\u200dmin",
    "selector after a letter": "admin\ufe0f",
    "selectors in a row": "\u2764\ufe0f\ufe0e",
    "supplementary selector after a letter": "a\U000e0101dmin",
    "tag without a flag": "\U0001f600\U000e0067\U000e007f",
    "noncharacter": "a\uffff",
    "number": 1,
    "boolean": True,
    "list": ["a"],
    "object": {"a": "b"},
}


@pytest.mark.parametrize("value", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_a_subject_that_is_not_plain_is_refused(value: object) -> None:
    refused({**GIVEN, "sub": value})


@pytest.mark.parametrize("claim", ["name", "email"])
@pytest.mark.parametrize("value", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_a_name_or_email_that_is_not_plain_is_left_out(claim: str, value: object) -> None:
    assert principal_from({**GIVEN, claim: value}, EXP).actor == Actor(sub="u1")


@pytest.mark.parametrize(("claim", "most"), [("sub", 255), ("name", 255), ("email", 254)])
def test_an_actor_has_a_maximum_of_characters(claim: str, most: int) -> None:
    longest = "é" * most
    assert getattr(principal_from({**GIVEN, claim: longest}, EXP).actor, claim) == longest
    assert plain_claim({claim: longest + "é"}, claim, most) is None


@pytest.mark.parametrize(
    "name",
    [
        "Zoë O'Brien",
        "محمد",
        "\u0646\u06cc\u0645\u200c\u0641",
        "山田\u3000太郎",
        "क्\u200dष",
        "👩\u200d💻",
        "❤\ufe0f\u200d🔥 1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "葛\U000e0100飾",
        "a\u00a0b",
    ],
)
def test_names_of_all_languages_are_plain(name: str) -> None:
    assert principal_from({**GIVEN, "name": name}, EXP).actor.name == name


TEXT = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Lu", "Zs", "Zl", "Zp"]), max_size=300),
    st.text("a\u202e\u2066\u200b\n", min_size=250, max_size=260),
)


@given(
    st.dictionaries(
        st.sampled_from(["sub", "name", "email", "workspaceId", "permissions", "role"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    )
)
def test_any_claims_are_refused_or_storable(claims: dict[str, object]) -> None:
    try:
        principal = principal_from(claims, EXP)
    except UnauthorizedError:
        return
    assert principal.permissions <= PERMISSIONS
    for text in (principal.actor.sub, principal.actor.name, principal.actor.email):
        assert text is None or is_plain(text)


def is_plain(text: str) -> bool:
    """Return whether *text* is bounded, storable and shows each of its characters, in order."""
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    kinds = {category(character) for character in text.replace("\u200d", "").replace("\u200c", "")}
    return 0 < len(text.strip()) <= len(text) <= 255 and not kinds & unseen


def permissions(**claims: object) -> frozenset[str]:
    return principal_from({"sub": "u1", "workspaceId": "ws", **claims}, EXP).permissions


def refused(claims: Mapping[str, object]) -> None:
    with pytest.raises(UnauthorizedError) as raised:
        principal_from(claims, EXP)
    assert "OWNER" not in str(raised.value)
