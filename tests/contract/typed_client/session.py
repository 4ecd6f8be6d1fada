"""A program as a user of the generated client would write it; the test next to it runs it.

It takes an address and two tokens, an administrator's and a viewer's, and asks for all there is.
"""

import json
import sys
from base64 import b64decode
from datetime import UTC, datetime

from integrations_client import AuthenticatedClient, Client
from integrations_client.api.audit import export_log
from integrations_client.api.health import ready
from integrations_client.api.history import get_history, list_history
from integrations_client.api.integration import (
    change_integration,
    check_credentials,
    create_integration,
    delete_integration,
    get_credentials,
    get_integration,
    list_integrations,
    replace_credentials,
    toggle_integration,
)
from integrations_client.api.integration_types import list_integration_types
from integrations_client.models import (
    CreateIntegrationBody,
    CredentialCheckResponse,
    CredentialsResponse,
    EmptyResponse,
    ForbiddenResponse,
    Health,
    HistoryResponse,
    IntegrationListResponse,
    IntegrationObject,
    IntegrationResponse,
    IntegrationTypeListResponse,
    NotFoundResponse,
    PreconditionFailedResponse,
    ReplaceCredentialsBody,
    ToggleBody,
    UnauthorizedResponse,
    UnprocessableResponse,
    UpdateIntegrationBody,
    ValidationErrorResponse,
)
from integrations_client.types import Unset

KEY = "SG." + "k" * 22 + "." + "y" * 43  # the form of SendGrid's keys
SUCCESSOR = "SG." + "s" * 22 + "." + "z" * 43
NOBODY = "int_00000000000000000000000000"


def new(name: str) -> CreateIntegrationBody:
    """Return a body that adds a SendGrid connection."""
    return CreateIntegrationBody(
        name=name, type_="SENDGRID", channel="EMAIL", api_key=KEY, sender_email="a@example.com"
    )


def shown(answer: object) -> IntegrationObject:
    """Return the one integration that *answer* shows."""
    assert isinstance(answer, IntegrationResponse), answer
    return answer.result.data


def add_and_read(client: AuthenticatedClient) -> IntegrationObject:
    """Add an integration, safely repeated, and read it, now and then."""
    first = create_integration.sync_detailed(
        "en", client=client, body=new("Mail"), idempotency_key="k1"
    )
    again = create_integration.sync_detailed(
        "en", client=client, body=new("Mail"), idempotency_key="k1"
    )
    mail = shown(first.parsed)
    assert (first.status_code, shown(again.parsed)) == (201, mail)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert isinstance(mail.created_at, datetime)
    assert mail.created_at.tzinfo is not None
    found = get_integration.sync_detailed("en", mail.id, client=client)
    assert shown(found.parsed) == mail
    kept = get_integration.sync_detailed(
        "en", mail.id, client=client, if_none_match=found.headers["ETag"]
    )
    assert (kept.status_code, kept.parsed, kept.content) == (304, None, b"")
    then = get_integration.sync("en", mail.id, client=client, as_of=datetime.now(UTC))
    assert shown(then) == mail
    return mail


def list_them(client: AuthenticatedClient, mail: IntegrationObject) -> None:
    """Add two more, and list by filter, order, page and cursor."""
    text = CreateIntegrationBody(name="Text", type_="TWILIO", channel="SMS", is_active=False)
    letters = CreateIntegrationBody(name="Letters", type_="ELASTIC_EMAIL", channel="EMAIL")
    for body in (text, letters):
        shown(create_integration.sync("en", client=client, body=body))
    everything = list_integrations.sync("en", client=client)
    assert isinstance(everything, IntegrationListResponse)
    assert [each.name for each in everything.result.data] == ["Mail", "Text", "Letters"]
    by_mail = list_integrations.sync(
        "en", client=client, channel="EMAIL", sort="-name", limit=1, page=2
    )
    assert isinstance(by_mail, IntegrationListResponse)
    assert (by_mail.result.total_count, by_mail.result.data[0].name) == (2, "Letters")
    first = list_integrations.sync("en", client=client, limit=2)
    assert isinstance(first, IntegrationListResponse)
    rest = list_integrations.sync("en", client=client, limit=2, cursor=first.result.next_cursor)
    assert isinstance(rest, IntegrationListResponse)
    assert [*first.result.data, *rest.result.data] == everything.result.data
    assert isinstance(rest.result.next_cursor, Unset)
    off = list_integrations.sync("en", client=client, is_active=False, q="TEX", type_="TWILIO")
    assert isinstance(off, IntegrationListResponse)
    assert [each.name for each in off.result.data] == ["Text"]
    then = list_integrations.sync("en", client=client, as_of=1)
    assert isinstance(then, IntegrationListResponse)
    assert then.result.data == [mail]


def change(client: AuthenticatedClient, mail: IntegrationObject) -> None:
    """Change, switch off, replace the key and ask the provider about it."""
    changed = change_integration.sync_detailed(
        "en",
        mail.id,
        client=client,
        body=UpdateIntegrationBody(name="Post", sender_email=None),
        if_match='"1"',
    )
    assert (shown(changed.parsed).name, shown(changed.parsed).sender_email) == ("Post", None)
    late = toggle_integration.sync(
        "en", mail.id, client=client, body=ToggleBody(is_active=False), if_match='"1"'
    )
    assert isinstance(late, PreconditionFailedResponse)
    assert late.result.error == "PRECONDITION_FAILED"
    off = toggle_integration.sync("en", mail.id, client=client, body=ToggleBody(is_active=False))
    assert shown(off).is_active is False
    replaced = replace_credentials.sync(
        "en", mail.id, client=client, body=ReplaceCredentialsBody(api_key=SUCCESSOR)
    )
    assert shown(replaced).name == "Post"
    checked = check_credentials.sync("en", mail.id, client=client)
    assert isinstance(checked, CredentialCheckResponse)
    assert (checked.result.data.outcome, checked.result.data.checked_at.tzinfo) == ("ok", UTC)
    stored = get_credentials.sync("en", mail.id, client=client)
    assert isinstance(stored, CredentialsResponse)
    [key], newest = stored.result.data.credentials, stored.result.data.check
    assert (key.field, key.is_set, key.version) == ("apiKey", True, 2)
    assert key.set_by is not None
    assert key.set_by.id == "admin"
    assert newest is not None
    assert newest.checked_at >= checked.result.data.checked_at


def look_back(client: AuthenticatedClient, mail: IntegrationObject) -> None:
    """Read what was done, and the log itself."""
    history = get_history.sync("en", mail.id, client=client, limit=200)
    assert isinstance(history, HistoryResponse)
    assert [entry.action for entry in history.result.data] == [
        "CREDENTIALS_CHECKED",
        "CREDENTIALS_ROTATED",
        "INTEGRATION_DISABLED",
        "INTEGRATION_UPDATED",
        "INTEGRATION_UPDATED",
        "INTEGRATION_ADDED",
    ]
    today = list_history.sync(
        "en", client=client, action="INTEGRATION_ADDED", start_date=datetime.now(UTC).date()
    )
    assert isinstance(today, HistoryResponse)
    assert today.result.total_count == 3
    assert today.result.data[-1].performed_by.id == "admin"
    exported = export_log.sync_detailed("en", client=client).content.splitlines()
    assert len(exported) == history.result.total_count + 2
    assert mail.id.encode() in b64decode(json.loads(exported[0])["bytes"])


def remove(client: AuthenticatedClient, mail: IntegrationObject) -> None:
    """Delete it: it is gone."""
    removed = delete_integration.sync("en", mail.id, client=client)
    assert isinstance(removed, EmptyResponse)
    gone = get_integration.sync("es", mail.id, client=client)
    assert isinstance(gone, NotFoundResponse)
    assert (gone.result.status, gone.result.error, gone.result.data) == (404, "NOT_FOUND", None)


def be_refused(client: AuthenticatedClient, viewer: AuthenticatedClient) -> None:
    """Meet the refusals, each as a type of its own."""
    wrong = create_integration.sync(
        "en", client=client, body=CreateIntegrationBody(name="", type_="TWILIO", channel="EMAIL")
    )
    assert isinstance(wrong, ValidationErrorResponse)
    assert not isinstance(wrong.result.details, Unset)
    assert {detail.field for detail in wrong.result.details} == {"name", "channel"}
    doubtful = create_integration.sync(
        "en", client=client, body=new("m"), prefer="handling=strict", idempotency_key="k1"
    )
    assert isinstance(doubtful, UnprocessableResponse)
    forbidden = create_integration.sync("en", client=viewer, body=new("m"))
    assert isinstance(forbidden, ForbiddenResponse)
    stranger = AuthenticatedClient(base_url=sys.argv[1], token=NOBODY)
    unknown = list_integrations.sync("en", client=stranger)
    assert isinstance(unknown, UnauthorizedResponse)
    nothing = check_credentials.sync("en", NOBODY, client=client)
    assert isinstance(nothing, NotFoundResponse)


def main(address: str, admin: str, viewer: str) -> None:
    """Do all of it."""
    health = ready.sync(client=Client(base_url=address))
    assert isinstance(health, Health)
    client = AuthenticatedClient(base_url=address, token=admin, raise_on_unexpected_status=True)
    types = list_integration_types.sync("en", client=client)
    assert isinstance(types, IntegrationTypeListResponse)
    assert "SENDGRID" in {each.type_ for each in types.result.data}
    mail = add_and_read(client)
    list_them(client, mail)
    change(client, mail)
    look_back(client, mail)
    remove(client, mail)
    be_refused(client, AuthenticatedClient(base_url=address, token=viewer))


main(*sys.argv[1:])
