"""Each command: what it records, when it refuses, when it stays quiet."""

from typing import get_args

import pytest
from hypothesis import given as given_data
from hypothesis import strategies as st

from domain.errors import (
    DomainError,
    IntegrationAlreadyExistsError,
    IntegrationNotFoundError,
    VersionMismatchError,
)
from domain.integration import (
    ChangeIntegration,
    CreateIntegration,
    Credential,
    CredentialsChecked,
    CredentialsDestroyed,
    CredentialsReplaced,
    DeleteIntegration,
    Integration,
    IntegrationCommand,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationRenamed,
    IntegrationToggled,
    RecordCredentialsCheck,
    ReplaceCredentials,
    SecretField,
    Sender,
    SenderChanged,
    SettingsChanged,
    ToggleIntegration,
    VapidPublicKeyChanged,
    decide,
    decider,
    next_version,
)

given, when = decider.fold, decider.decide

KEY = Credential(field="apiKey", version=1, kek="kek-1", commitment="00")
NEW_KEY = Credential(field="apiKey", version=2, kek="kek-1", commitment="01")
SECRET = Credential(field="apiSecret", version=1, kek="kek-1", commitment="02")
CREATED = IntegrationCreated(
    name="Mail",
    type="SENDGRID",
    channel="EMAIL",
    is_active=True,
    sender_email="a@example.org",
    sender_name="A",
    sender_phone="+4930123456",
    vapid_public_key="B-key",
    settings={"region": "EU"},
    credentials=(KEY,),
)
DELETED = IntegrationDeleted()
CREATE = CreateIntegration(
    name="Mail",
    type="SENDGRID",
    channel="EMAIL",
    is_active=True,
    sender_email="a@example.org",
    sender_name="A",
    sender_phone="+4930123456",
    vapid_public_key="B-key",
    settings={"region": "EU"},
    credentials=(KEY,),
)
CHECK = RecordCredentialsCheck(outcome="ok", detail="It works", latency_ms=12)
NEEDING_ONE: list[IntegrationCommand] = [
    ChangeIntegration(name="Post"),
    ToggleIntegration(is_active=False),
    ReplaceCredentials(credentials=(NEW_KEY,)),
    CHECK,
    DeleteIntegration(),
]


# ----- Create -----
def test_creating_records_all_that_was_asked_for() -> None:
    assert when(CREATE, given([])) == [CREATED]


def test_creating_without_options_records_an_active_integration_with_nothing_else() -> None:
    bare = CreateIntegration(name="Push", type="WEB_PUSH", channel="PUSH")
    assert when(bare, given([])) == [
        IntegrationCreated(name="Push", type="WEB_PUSH", channel="PUSH", is_active=True)
    ]


def test_creating_with_the_id_of_another_is_refused_even_if_it_is_alike() -> None:
    with pytest.raises(IntegrationAlreadyExistsError):
        when(CREATE, given([CREATED]))


def test_creating_with_the_id_of_a_deleted_one_is_refused() -> None:
    with pytest.raises(IntegrationAlreadyExistsError):
        when(CREATE, given([CREATED, DELETED]))


# ----- Every command but create -----
@pytest.mark.parametrize("command", NEEDING_ONE, ids=lambda command: type(command).__name__)
def test_nothing_can_be_asked_of_an_integration_that_never_was(command: IntegrationCommand) -> None:
    with pytest.raises(IntegrationNotFoundError):
        when(command, given([]))


@pytest.mark.parametrize("command", NEEDING_ONE, ids=lambda command: type(command).__name__)
def test_nothing_can_be_asked_of_a_deleted_integration(command: IntegrationCommand) -> None:
    with pytest.raises(IntegrationNotFoundError):
        when(command, given([CREATED, DELETED]))


def test_no_command_is_forgotten_here() -> None:
    assert {type(command) for command in (CREATE, *NEEDING_ONE)} == set(IntegrationCommand.__args__)


# ----- Toggle -----
def test_switching_off_records_it() -> None:
    assert when(ToggleIntegration(is_active=False), given([CREATED])) == [
        IntegrationToggled(is_active=False)
    ]


def test_switching_off_twice_records_once() -> None:
    off = given([CREATED, IntegrationToggled(is_active=False)])
    assert when(ToggleIntegration(is_active=False), off) == []


def test_switching_on_what_is_on_stays_quiet() -> None:
    assert when(ToggleIntegration(is_active=True), given([CREATED])) == []


def test_switching_on_again_records_it() -> None:
    off = given([CREATED, IntegrationToggled(is_active=False)])
    assert when(ToggleIntegration(is_active=True), off) == [IntegrationToggled(is_active=True)]


# ----- Change -----
def test_changing_everything_records_an_event_for_each_part() -> None:
    change = ChangeIntegration(
        name="Post",
        sender_email="b@example.org",
        vapid_public_key="B-new",
        settings={"region": "GLOBAL", "onBehalfOf": "shop"},
        is_active=False,
    )
    assert when(change, given([CREATED])) == [
        IntegrationRenamed(name="Post"),
        SenderChanged(sender_email="b@example.org", sender_name="A", sender_phone="+4930123456"),
        VapidPublicKeyChanged(vapid_public_key="B-new"),
        SettingsChanged(settings={"region": "GLOBAL", "onBehalfOf": "shop"}),
        IntegrationToggled(is_active=False),
    ]


def test_changing_to_none_clears_and_leaves_the_rest() -> None:
    change = ChangeIntegration(sender_name=None, vapid_public_key=None, settings=None)
    assert when(change, given([CREATED])) == [
        SenderChanged(sender_email="a@example.org", sender_name=None, sender_phone="+4930123456"),
        VapidPublicKeyChanged(vapid_public_key=None),
        SettingsChanged(settings=None),
    ]


@pytest.mark.parametrize(
    "quiet",
    [
        ChangeIntegration(),
        ChangeIntegration(
            name="Mail",
            sender_email="a@example.org",
            sender_name="A",
            sender_phone="+4930123456",
            vapid_public_key="B-key",
            settings={"region": "EU"},
            is_active=True,
        ),
    ],
    ids=["nothing", "what already is so"],
)
def test_changing_nothing_stays_quiet(quiet: ChangeIntegration) -> None:
    assert when(quiet, given([CREATED])) == []


# ----- Replace credentials -----
def test_replacing_credentials_records_the_new_ones_and_the_key_that_comes_with_them() -> None:
    replace = ReplaceCredentials(credentials=(NEW_KEY,), vapid_public_key="B-new")
    assert when(replace, given([CREATED])) == [
        CredentialsReplaced(credentials=(NEW_KEY,)),
        VapidPublicKeyChanged(vapid_public_key="B-new"),
    ]


def test_replacing_no_credentials_stays_quiet() -> None:
    replace = ReplaceCredentials(credentials=(), vapid_public_key="B-key")
    assert when(replace, given([CREATED])) == []


def test_replaced_credentials_take_the_place_of_the_same_fields_only() -> None:
    both = given([CREATED, CredentialsReplaced(credentials=(SECRET,))])
    assert both.credentials == (KEY, SECRET)
    replaced = given([CREATED, *[CredentialsReplaced(credentials=(c,)) for c in (SECRET, NEW_KEY)]])
    assert replaced.credentials == (NEW_KEY, SECRET)


# ----- Destroy credentials -----
def test_destroying_records_what_is_set_and_nothing_else() -> None:
    both = given([CREATED, CredentialsReplaced(credentials=(SECRET,))])
    destroy = ReplaceCredentials(credentials=(), destroyed=("apiSecret", "vapidPrivateKey"))
    assert when(destroy, both) == [CredentialsDestroyed(credentials=(SECRET,))]
    assert when(destroy, given([CREATED])) == []


def test_destroying_one_and_replacing_another_are_two_events() -> None:
    both = given([CREATED, CredentialsReplaced(credentials=(SECRET,))])
    command = ReplaceCredentials(
        credentials=(NEW_KEY,), destroyed=("apiSecret",), vapid_public_key=None
    )
    assert when(command, both) == [
        CredentialsDestroyed(credentials=(SECRET,)),
        CredentialsReplaced(credentials=(NEW_KEY,)),
        VapidPublicKeyChanged(vapid_public_key=None),
    ]


def test_the_versions_of_destroyed_secrets_are_not_used_again() -> None:
    replaced = CredentialsReplaced(credentials=(NEW_KEY,))
    destroyed = CredentialsDestroyed(credentials=(NEW_KEY,))
    state = given([CREATED, replaced, destroyed])
    assert state.credentials == ()
    assert next_version(state, "apiKey") == NEW_KEY.version + 1
    assert next_version(state, "apiSecret") == 1
    third = Credential(field="apiKey", version=3, kek="kek-1", commitment="c0ffee")
    again = given([CREATED, replaced, destroyed, CredentialsReplaced(credentials=(third,))])
    assert (again.credentials, next_version(again, "apiKey")) == ((third,), 4)


@given_data(st.lists(st.sampled_from([*get_args(SecretField)] * 2 + [None]), max_size=12))
def test_each_version_of_a_field_is_one_more_than_the_last_whatever_is_destroyed(
    steps: list[SecretField | None],
) -> None:
    """A field is set; None destroys all that are."""
    state, used = given([CREATED]), {"apiKey": 1, "apiSecret": 0, "vapidPrivateKey": 0}
    for field in steps:
        if field is None:
            command = ReplaceCredentials(credentials=(), destroyed=get_args(SecretField))
        else:
            used[field] += 1
            assert next_version(state, field) == used[field]
            new = Credential(field=field, version=used[field], kek="k", commitment="c")
            command = ReplaceCredentials(credentials=(new,))
        state = decider.fold(decide(command, state), state)


# ----- Check -----
def test_a_check_is_recorded_and_changes_nothing() -> None:
    checked = CredentialsChecked(outcome="ok", detail="It works", latency_ms=12)
    assert when(CHECK, given([CREATED])) == [checked]
    assert given([CREATED, checked]) == given([CREATED])


def test_a_check_records_the_region_that_knows_the_credentials() -> None:
    checked = CredentialsChecked(outcome="ok", detail="d", latency_ms=1, region="EU")
    command = RecordCredentialsCheck(outcome="ok", detail="d", latency_ms=1, region="EU")
    assert when(command, given([CREATED])) == [checked]


def test_a_second_check_is_recorded_too() -> None:
    checked = CredentialsChecked(outcome="ok", detail="It works", latency_ms=12)
    assert when(CHECK, given([CREATED, checked])) == [checked]


# ----- Delete -----
def test_deleting_records_it_and_leaves_nothing_to_decide_on() -> None:
    assert when(DeleteIntegration(), given([CREATED])) == [DELETED]
    assert given([CREATED, DELETED]) == Integration(is_deleted=True)


# ----- State -----
def test_the_state_after_creation_is_what_later_decisions_need() -> None:
    assert given([CREATED]) == Integration(
        exists=True,
        name="Mail",
        type="SENDGRID",
        is_active=True,
        sender=Sender(email="a@example.org", name="A", phone="+4930123456"),
        vapid_public_key="B-key",
        settings={"region": "EU"},
        credentials=(KEY,),
    )


@pytest.mark.parametrize(
    "error", [IntegrationNotFoundError, IntegrationAlreadyExistsError, VersionMismatchError]
)
def test_a_refusal_says_its_docstring_unless_told_otherwise(error: type[DomainError]) -> None:
    assert str(error()) == error.__doc__
    assert str(error("Somebody deleted it.")) == "Somebody deleted it."
