"""Service accounts are read as people paste them, and other files are named."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping

import pytest

from app.http.integrations.bodies import create_schema
from app.http.integrations.warnings import find_warnings
from app.providers.google_service_account import parse_account, private_key, read_account
from app.providers.registry import load_providers
from app.secrets.secret import Secret
from tests.app.providers.conftest import Script
from tests.support.account_forms import FORMS, with_key
from tests.support.private_keys import SPELLINGS, make_key

PROVIDERS = load_providers()
CREATE = create_schema(PROVIDERS)
FCM = "FIREBASE_FCM"
TOKEN = {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}


def warnings_of(fields: Mapping[str, str]) -> list[tuple[str | None, str, str]]:
    """Return field, code and message of the warnings about a new FCM integration."""
    body = {"name": "n", "type": FCM, "channel": "PUSH", **fields}
    parsed = CREATE.read(json.dumps(body).encode())
    return [(name, w.code, w.message) for name, w in find_warnings(parsed, PROVIDERS[FCM])]


@pytest.mark.parametrize("form", FORMS)
def test_a_service_account_is_read_in_any_form(service_account: dict[str, str], form: str) -> None:
    account = parse_account(Secret(FORMS[form](json.dumps(service_account)).encode()))

    assert account.client_email == service_account["client_email"]
    assert private_key(account)


@pytest.mark.parametrize("form", FORMS)
def test_no_form_looks_unusual(service_account: dict[str, str], form: str) -> None:
    assert warnings_of({"apiKey": FORMS[form](json.dumps(service_account))}) == []


@pytest.mark.parametrize("form", FORMS)
def test_any_form_is_stored_as_json_that_every_program_reads(
    service_account: dict[str, str], form: str
) -> None:
    stored = read_account(Secret(FORMS[form](json.dumps(service_account)).encode()))

    assert json.loads(stored.reveal_text()) == service_account


def test_json_as_google_writes_it_is_stored_byte_for_byte(service_account: dict[str, str]) -> None:
    written = json.dumps(service_account, indent=2).encode()

    assert read_account(Secret(written)).reveal() == written


@pytest.mark.parametrize("text", ["AAAA:APA91b", '\'{"type": "service_account"}\'', "{", "42"])
def test_what_holds_no_service_account_is_stored_as_it_is(text: str) -> None:
    assert read_account(Secret(text.encode())).reveal_text() == text


def without(name: str) -> Callable[[str], str]:
    """Return what takes the member *name* out of the JSON of a service account."""
    return lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != name})


INCOMPLETE: dict[str, Callable[[str], str]] = {
    "no private key": without("private_key"),
    "no project": without("project_id"),
    "no address": without("client_email"),
    "an empty private key": with_key(lambda _: ""),
    "a private key cut short": with_key(lambda key: key[:200]),
    "a private key with blanks for its plus signs": with_key(lambda key: key.replace("+", " ")),
    "a private key with an ellipsis": with_key(lambda key: f"{key[:200]}…{key[-60:]}"),
    "a private key with dashes of a word processor": with_key(
        lambda key: key.replace("--", "\u2013")
    ),
    "a private key with a letter of another script": with_key(
        lambda key: key[:99] + "ع" + key[99:]
    ),
    "a private key that lacks a line": with_key(lambda key: key[:100] + key[165:]),
    "a private key without its head": with_key(lambda key: key.split("-----")[2]),
    "a private key in base64": with_key(lambda key: b64encode(key.encode()).decode()),
    "a private key of another kind": with_key(lambda _: SPELLINGS["PEM"](make_key(1))),
    "a private key of another kind, SEC1": with_key(lambda _: SPELLINGS["PEM SEC1"](make_key(1))),
    "two accounts, in a list": lambda text: f"[{text}, {text}]",
    "two accounts": lambda text: f"{text}\n{text}",
    "as Python prints it": lambda text: str(json.loads(text)),
    "with the names of Google's libraries": lambda text: text.replace(
        "private_key", "privateKey"
    ).replace("client_email", "clientEmail"),
    "a line break behind an address": lambda text: text.replace('.com"', r'.com\n"'),
    "wrapped": lambda text: f'{{"serviceAccount": {text}}}',
    "wrapped, in base64": lambda text: b64encode(f'{{"fcm": {text}}}'.encode()).decode(),
}


@pytest.mark.parametrize("form", INCOMPLETE)
def test_a_service_account_that_no_check_can_use_is_a_warning(
    service_account: dict[str, str], form: str
) -> None:
    pasted = INCOMPLETE[form](json.dumps(service_account))

    assert "INCOMPLETE_ACCOUNT" in {w[1] for w in warnings_of({"apiKey": pasted})}


@pytest.mark.parametrize("form", ["literal line breaks", "base64", "single quotes", "a variable"])
async def test_the_check_takes_what_creation_takes(
    service_account: dict[str, str], form: str, script: Script
) -> None:
    pasted = {"apiKey": Secret(FORMS[form](json.dumps(service_account)).encode())}

    checked = await script.check(
        FCM, (200, TOKEN), (200, {"name": "projects/p/messages/1"}), values=pasted
    )

    assert checked.verdict.outcome == "ok"


# What mail programs, chats and wikis make of an address.
LINKS = [
    "{0}<mailto:{0}>",
    "{0}<{0}>",
    "<{0}>",
    "<mailto:{0}|{0}>",
    "<{0}|{0}>",
    "[{0}](mailto:{0})",
]


@pytest.mark.parametrize("link", [*LINKS, "mailto:{0}", "[{0}]({0})", "{0} ({0})"])
@pytest.mark.parametrize("name", ["client_email", "token_uri"])
async def test_a_service_account_with_a_link_in_it_is_not_what_google_made(
    service_account: dict[str, str], name: str, link: str, script: Script
) -> None:
    pasted = json.dumps(service_account | {name: link.format(service_account[name])})

    checked = await script.check(FCM, values={"apiKey": Secret(pasted.encode())})

    [(_, code, message)] = warnings_of({"apiKey": pasted})
    assert code == "INCOMPLETE_ACCOUNT"
    assert (checked.verdict.outcome, checked.verdict.message) == ("inconclusive", message)
    assert script.requests == []


@pytest.mark.parametrize(
    "uri", ["https://oauth2.googleapis.com/token", "http://localhost:9099/token", None]
)
def test_a_service_account_needs_no_certain_token_uri(
    service_account: dict[str, str], uri: str | None
) -> None:
    pasted = json.dumps(service_account | {"token_uri": uri})

    assert warnings_of({"apiKey": pasted}) == []


ACCOUNT = json.dumps({"type": "service_account", "project_id": "p"})
OF_APP, OTHER_KIND = "This is the configuration of an app", "These are credentials of another kind"
MISTAKEN: dict[str, tuple[str, str]] = {
    # appwrite/appwrite#13367
    "google-services.json": (
        json.dumps({"project_info": {"project_id": "p"}, "client": [], "configuration_version": 1}),
        OF_APP,
    ),
    "GoogleService-Info.plist": (
        '<?xml version="1.0"?><plist><dict><key>GOOGLE_APP_ID</key></dict></plist>',
        OF_APP,
    ),
    "web app": ('{apiKey: "AIza", authDomain: "p.firebaseapp.com"}', OF_APP),
    "web API key": ("AIza" + "aB3dE" * 7, OF_APP),
    # https://google.aip.dev/auth/4110
    "authorized_user": (
        json.dumps({"type": "authorized_user", "client_id": "i", "refresh_token": "t"}),
        OTHER_KIND,
    ),
    "external_account": (
        json.dumps({"type": "external_account", "audience": "//iam.googleapis.com/p"}),
        OTHER_KIND,
    ),
    "installed": (json.dumps({"installed": {"client_id": "i"}}), OTHER_KIND),
    "web": (json.dumps({"web": {"client_secret": "s"}}, indent=1), OTHER_KIND),
    "PEM": ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "This is the private"),
    "file name": ("./config/firebase-adminsdk.json", "This is the name of a file"),
}


@pytest.mark.parametrize("form", ["as it is", "base64", "a variable"])
@pytest.mark.parametrize("kind", MISTAKEN)
async def test_another_file_is_named(kind: str, form: str, script: Script) -> None:
    text, message = MISTAKEN[kind]
    pasted = FORMS[form](text)

    (warned,) = [w for w in warnings_of({"apiKey": pasted}) if w[1] == "OTHER_KIND"]
    checked = await script.check(FCM, values={"apiKey": Secret(pasted.encode())})

    assert warned[2].startswith(message)
    assert (checked.verdict.outcome, checked.verdict.message) == ("inconclusive", warned[2])
    assert script.requests == []


UNREAD = {
    "list": (json.dumps([{"type": "service_account"}]), "INCOMPLETE_ACCOUNT"),
    "Kubernetes": (
        json.dumps({"apiVersion": "v1", "kind": "Secret", "data": {"sa.json": "eyJ0eXBlIjogIn0="}}),
        "UNUSUAL_FORMAT",
    ),
    "YAML": ("type: service_account\nproject_id: p\n", "UNUSUAL_FORMAT"),
    "Admin SDK": (json.dumps({"projectId": "p", "privateKey": "-----BEGIN"}), "UNUSUAL_FORMAT"),
    "a text in JSON": (json.dumps({"fcm": ACCOUNT}), "UNUSUAL_FORMAT"),
}


@pytest.mark.parametrize("kind", UNREAD)
async def test_what_is_no_service_account_as_it_stands_is_not_sent(
    kind: str, script: Script
) -> None:
    text, code = UNREAD[kind]

    checked = await script.check(FCM, values={"apiKey": Secret(text.encode())})

    assert code in {w[1] for w in warnings_of({"apiKey": text})}
    assert checked.verdict.outcome == "inconclusive"
    assert script.requests == []


@pytest.mark.parametrize("form", FORMS)
def test_a_service_account_in_another_field_is_sent_to_its_own(
    service_account: dict[str, str], form: str
) -> None:
    fields = {"apiSecret": FORMS[form](json.dumps(service_account))}
    body = {"name": "n", "type": FCM, "channel": "PUSH", **fields}
    parsed = CREATE.read(json.dumps(body).encode())

    found = [w for _, w in find_warnings(parsed, PROVIDERS[FCM]) if w.code == "OTHER_FIELD"]
    assert [warning.limits for warning in found] == [{"field": "apiKey"}]
