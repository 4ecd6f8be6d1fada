"""What creation takes, the check takes: keys and service accounts as people paste them."""

import asyncio
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.http.errors import InvalidFieldsError
from app.http.integrations.bodies import SECRET_FIELDS, CreateIntegrationBody, create_schema
from app.http.integrations.warnings import find_warnings
from app.pasted_text import TRIMMED
from app.providers.check import CredentialChecker
from app.providers.errors import NoResponseError
from app.providers.google_service_account import parse_account, private_key
from app.providers.http_client import ProviderClient, ProviderRequest, ProviderResponse
from app.providers.registry import load_providers
from app.secrets.secret import Secret
from tests.app.providers.conftest import Script
from tests.support.any_provider import SENDGRID_REFUSES
from tests.support.private_keys import SPELLINGS, base64url, make_key, point, scalar

PROVIDERS = load_providers()
CREATE = create_schema(PROVIDERS)
FCM = "FIREBASE_FCM"
TOKEN = {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}


def base64_lines(text: str) -> str:
    """Return *text* in base64, in lines of 76 characters, as the command base64 writes it."""
    encoded = b64encode(text.encode()).decode()
    return "\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76)) + "\n"


def base64_pieces(text: str, between: str) -> str:
    """Return *text* in base64, with *between* after every 60 characters."""
    encoded = b64encode(text.encode()).decode()
    return between.join(encoded[at : at + 60] for at in range(0, len(encoded), 60)) + between


def pieces(text: str) -> list[str]:
    """Return *text* in pieces of 60 characters, which end anywhere in its JSON."""
    return [text[at : at + 60] for at in range(0, len(text), 60)]


def csv_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def with_key(change: Callable[[str], str]) -> Callable[[str], str]:
    """Return what makes *change* to the private key in the JSON of a service account."""

    def make(text: str) -> str:
        account = json.loads(text)
        return json.dumps(account | {"private_key": change(account["private_key"])})

    return make


def escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


def indented(text: str) -> str:
    return json.dumps(json.loads(text), indent=2)


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "indented": indented,
    "byte order mark": lambda text: "\ufeff" + text,
    "trailing text": lambda text: text + "\n# end of file",
    "trailing comma": lambda text: text + ",",
    # firebase/firebase-admin-node#385
    "literal line breaks": with_key(lambda key: key.replace("\n", "\\n")),
    "line breaks escaped three times": with_key(lambda key: key.replace("\n", "\\\\n")),
    "literal CR LF": with_key(lambda key: key.replace("\n", "\\r\\n")),
    "spaces for line breaks": with_key(lambda key: key.replace("\n", " ")),
    "no line breaks": with_key(lambda key: key.replace("\n", "")),
    "raw line breaks": lambda text: text.replace("\\n", "\n"),
    # coollabsio/coolify#6384
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64url": lambda text: urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 of the indented": lambda text: b64encode(indented(text).encode()).decode(),
    "base64 in lines": base64_lines,
    "base64 with a byte order mark": lambda t: b64encode(b"\xef\xbb\xbf" + t.encode()).decode(),
    "base64 in quotes": lambda text: f'"{b64encode(text.encode()).decode()}"',
    "base64 of UTF-16": lambda text: b64encode(text.encode("utf-16-le")).decode(),
    "base64 of UTF-16 with a byte order mark": lambda t: b64encode(t.encode("utf-16")).decode(),
    "percent": lambda text: quote(text, safe=""),
    "percent, of base64 in quotes": lambda t: quote(f'"{b64encode(t.encode()).decode()}"', safe=""),
    "single quotes": lambda text: f"'{text}'",
    "double quotes": lambda text: f'"{text}"',
    "a JSON string": json.dumps,
    "escaped quotes": escaped,
    "escaped, indented": lambda text: escaped(indented(text)),
    "escaped line breaks": lambda text: indented(text).replace("\n", "\\n"),
    "a variable": lambda text: f"GOOGLE_APPLICATION_CREDENTIALS_JSON='{text}'",
    "a block in Markdown": lambda text: f"```json\n{indented(text)}\n```",
    "a block in Markdown, another": lambda text: f"~~~~\n{text}\n~~~~",
    "a block in Markdown, in one line": lambda text: f"```json {text}```",
    "a block in Markdown without an end": lambda text: f"```JSON\n{text}",
    "a block in Markdown in base64": lambda text: f"```\n{base64_lines(text)}```\n",
    "a data URL": lambda text: f"data:application/json;base64,{b64encode(text.encode()).decode()}",
    "a data URL with a charset": lambda text: (
        f"data:application/json;charset=utf-8;base64,{b64encode(text.encode()).decode()}"
    ),
    "a data URL, percent-encoded": lambda text: f"data:application/json,{quote(text)}",
    "a data URL in quotes": lambda t: f'"data:text/plain;base64,{b64encode(t.encode()).decode()}"',
    "a block in Markdown behind a sentence": lambda text: f"Here it is:\n```json\n{text}\n```",
    "a document of the shell": lambda text: f"cat > key.json <<'EOF'\n{text}\nEOF",
    "behind a comment": lambda text: f"// key of the app\n{text}",
    "a module of JavaScript": lambda text: f"export default {text};",
    "an argument": lambda text: f"jsonencode({text})",
    "HTML entities": lambda text: text.replace('"', "&quot;"),
    "typographic quotes": lambda text: text.replace('"', "\u201d"),
    "no-break spaces": lambda text: indented(text).replace("  ", "\xa0\xa0"),
    "a comma at the end of the object": lambda text: indented(text).replace("\n}", ",\n}"),
    "a block of YAML": lambda text: f"credentials: |\n  {text}\n",
    "a block of YAML, folded": lambda text: f"credentials: >-\n  {text}",
    "base64 with literal line breaks": lambda text: base64_pieces(text, "\\n"),
    "base64 with literal CR LF": lambda text: base64_pieces(text, "\\r\\n"),
    "base64 with blanks": lambda text: base64_pieces(text, " "),
    "base64 with no-break spaces": lambda text: base64_pieces(text, "\xa0"),
    "base64 with zero-width spaces": lambda text: base64_pieces(text, "\u200b"),
    "base64 in lines of a shell": lambda text: base64_pieces(text, "\\\n"),
    "base64 with its padding in percent": lambda t: quote(b64encode((t + " ").encode()).decode()),
    "base64 in YAML": lambda text: f"!!binary {b64encode(text.encode()).decode()}",
    "base64 with its name": lambda text: f"base64:{b64encode(text.encode()).decode()}",
    "a byte order mark inside": lambda text: text.replace("{", "{\ufeff", 1),
    "zero-width spaces inside": lambda text: text.replace('": "', '": "\u200b'),
    "invisible characters in each line": lambda text: "\u200b\xad\ufeff".join(pieces(text)),
    "invisible characters in the private key": lambda t: t.replace("MII", "MII\u200b\xad\ufeff"),
    "lines of a terminal": lambda text: "\n".join(pieces(text)),
    "lines of a terminal, CR LF": lambda text: "\r\n".join(pieces(text)),
    "line separators": lambda text: indented(text).replace("\n", "\u2028"),
    "line breaks of HTML": lambda text: indented(text).replace("\n", "<br>\n"),
    "a form": quote_plus,
    "a form, indented": lambda text: quote_plus(indented(text)),
    "a field of a form": lambda text: urlencode({"name": "fcm", "apiKey": text}),
    "percent, in small letters": lambda t: quote(t, safe="").replace("%7B", "%7b"),
    "percent, as encodeURI writes it": lambda text: quote(text, safe=":,;+/?=&$#@!*'()"),
    "percent, but for brackets": lambda text: quote(text, safe="{}:,"),
    "a cell of CSV": csv_cell,
    "a cell of CSV, indented": lambda text: csv_cell(indented(text)),
    "a row of CSV": lambda text: f"fcm;{csv_cell(text)};production",
    "a row of a table": lambda text: f"fcm\t{csv_cell(text)}",
    "doubled quotes": lambda text: csv_cell(text)[1:-1],
    "an exported variable": lambda text: f"export FCM={b64encode(text.encode()).decode()}",
}


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
    codes = {w[1] for w in warnings_of({"apiKey": FORMS[form](json.dumps(service_account))})}

    around = {"LOOKS_QUOTED", "LOOKS_LIKE_VARIABLE", "LOOKS_ESCAPED"}
    assert codes <= around | {"SPACE_TRIMMED", "INVISIBLE_TRIMMED"}


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


@given(text=st.text(max_size=300))
async def test_only_a_legacy_key_is_retired(text: str) -> None:
    checked = await checker().check(FCM, {"apiKey": Secret(text.encode())})

    assert checked.verdict.outcome != "retired" or ("AAAA" in text and ":" in text)


class NoNetwork(ProviderClient):
    """Reaches nobody."""

    async def request(self, request: ProviderRequest) -> ProviderResponse:  # noqa: ARG002 — its base uses it
        raise NoResponseError(reason="unreachable")


def checker() -> CredentialChecker:
    """Return a checker without a network: what it finds, it finds by the form."""
    return CredentialChecker(PROVIDERS, NoNetwork(), {})


# How the keys of a VAPID pair are written; what is no key as it stands has a warning.
VAPID_FORMS: Mapping[str, Callable[[str], str]] = {
    "base64url": str,
    "padded": lambda key: f"{key}=",
    "standard": lambda key: key.replace("-", "+").replace("_", "/"),
    "standard, padded": lambda key: f"{key.replace('-', '+').replace('_', '/')}=",
    "with a line break": lambda key: f"{key}\n",
    "in quotes": lambda key: f"'{key}'",
    "behind a name": lambda key: f"VAPID_KEY={key}",
    "with a blank inside": lambda key: f"{key[:20]} {key[20:]}",
    "padded twice": lambda key: f"{key}==",
    "cut short": lambda key: key[:-1],
    "with one character more": lambda key: f"{key}A",
}


@pytest.mark.parametrize("form", VAPID_FORMS)
@pytest.mark.parametrize("field", ["vapidPublicKey", "vapidPrivateKey"])
async def test_a_vapid_key_has_a_warning_if_the_check_does_not_take_it(
    field: str, form: str
) -> None:
    for number in range(20):
        key = make_key(number)
        pair = {
            "vapidPublicKey": base64url(point(key)),
            "vapidPrivateKey": base64url(scalar(key)),
        }
        body = {"name": "n", "type": "WEB_PUSH", "channel": "PUSH", **pair}
        body[field] = VAPID_FORMS[form](pair[field])
        try:
            created = CREATE.read(json.dumps(body).encode())
        except InvalidFieldsError:  # a private key that is cut short is another one
            continue
        found = {warning.code for _, warning in find_warnings(created, PROVIDERS["WEB_PUSH"])}
        checked = await checker().check("WEB_PUSH", stored_values(created))

        assert (found <= {"SPACE_TRIMMED"}) is (checked.verdict.outcome == "ok")


OTHER_FORMS = [  # of SPELLINGS
    *("PEM", "PEM SEC1", "PEM in one line", "PEM with \\n", "PEM body", "PEM base64"),
    *("PKCS#8 base64", "SEC1 base64", "hexadecimal", "hexadecimal 0x", "hexadecimal colons"),
    *("hexadecimal capitals", "hexadecimal groups"),
]


@pytest.mark.parametrize("form", OTHER_FORMS)
async def test_a_vapid_key_in_another_form_has_one_cause_whatever_its_characters(
    form: str,
) -> None:
    [other_kind] = PROVIDERS["WEB_PUSH"].fields["vapidPrivateKey"].lookalikes
    for number in range(20):
        key = make_key(number)
        pair = {"vapidPublicKey": base64url(point(key)), "vapidPrivateKey": SPELLINGS[form](key)}
        body = {"name": "n", "type": "WEB_PUSH", "channel": "PUSH", **pair}
        created = CREATE.read(json.dumps(body).encode())
        found = {warning.code for _, warning in find_warnings(created, PROVIDERS["WEB_PUSH"])}
        checked = await checker().check("WEB_PUSH", stored_values(created))

        assert found - {"SPACE_TRIMMED", "LOOKS_ESCAPED"} == {"OTHER_KIND"}
        assert checked.verdict.outcome == "inconclusive"
        assert checked.verdict.message == other_kind.message


JUNK = st.text(alphabet=TRIMMED, max_size=10)
AROUND = st.sampled_from(["{}", '"{}"', "'{}'", "Bearer {}", "KEY={}", "export KEY='{}'", "{},"])


@st.composite
def pasted_keys(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """Draw a type, and a value for each field that it requires."""
    type_ = draw(st.sampled_from(sorted(PROVIDERS)))
    values = {
        name: draw(JUNK)
        + draw(AROUND).format(draw(st.just(field.example) | st.text(min_size=1)))
        + draw(JUNK)
        for name, field in PROVIDERS[type_].fields.items()
        if field.required
    }
    return type_, values


@given(pasted=pasted_keys())
def test_what_creation_takes_is_never_invalid_for_its_form(
    pasted: tuple[str, dict[str, str]],
) -> None:
    type_, values = pasted
    body = {"name": "n", "type": type_, "channel": PROVIDERS[type_].channel, **values}
    try:
        created = CREATE.read(json.dumps(body).encode())
    except InvalidFieldsError:
        assume(False)  # noqa: FBT003 — Hypothesis's signature
        raise

    for stored in (stored_values(created), {n: Secret(v.encode()) for n, v in values.items()}):
        checked = asyncio.run(checker().check(type_, stored))
        assert checked.verdict.outcome != "invalid"


def stored_values(body: CreateIntegrationBody) -> dict[str, Secret]:
    """Return the credentials of *body*, as they are stored."""
    public = body.vapid_public_key
    found = {
        "apiKey": body.api_key,
        "apiSecret": body.api_secret,
        "vapidPrivateKey": body.vapid_private_key,
        "vapidPublicKey": Secret(public.encode()) if public else None,
    }
    return {name: value for name, value in found.items() if value is not None}


STRANGE = st.sampled_from(
    ["…", "\u2013", "é", "\u017f", "٣", "ع", "键", "\u2028", "\xad", "\0", "😀", '"']
)


@given(data=st.data())
def test_no_character_in_a_secret_fails(
    service_account: dict[str, str], data: st.DataObject
) -> None:
    type_ = data.draw(st.sampled_from(sorted(PROVIDERS)))
    key = make_key(1)
    keys = ["SG.aB3-_cdefghijklmnopqrs." + "x1Y-" * 10 + "abc", "AC" + "0a" * 16]
    whole = data.draw(st.sampled_from([*keys, *(write(key) for write in SPELLINGS.values())]))
    if type_ == FCM:
        whole = json.dumps(service_account, indent=2)
    at = data.draw(st.integers(0, len(whole)))
    strange = data.draw(STRANGE | st.text(min_size=1, max_size=5))
    form = FORMS[data.draw(st.sampled_from(["as it is", "base64", "a JSON string", "percent"]))]
    pasted = form(whole[:at] + strange + whole[at:])
    field = data.draw(st.sampled_from(sorted(PROVIDERS[type_].fields.keys() & SECRET_FIELDS)))
    body = {"name": "n", "type": type_, "channel": PROVIDERS[type_].channel, field: pasted}
    try:
        created = CREATE.read(json.dumps(body).encode())
    except InvalidFieldsError:
        return
    list(find_warnings(created, PROVIDERS[type_]))
    asyncio.run(checker().check(type_, stored_values(created)))


WRAPPED = {
    "quotes": '"{}"',
    "brackets": "<{}>",
    "a comma": "{},",
    "a name": "apiKey:{}",
    "Markdown": "```\n{}\n```",
    "header": "Bearer {}",
    "variable": "SENDGRID_API_KEY={}",
}


@pytest.mark.parametrize("form", WRAPPED)
async def test_a_wrapped_key_is_not_blamed(form: str, script: Script) -> None:
    key = WRAPPED[form].format("SG." + "a" * 22 + "." + "b" * 43)
    refusal = (401, SENDGRID_REFUSES)

    checked = await script.check(
        "SENDGRID", refusal, refusal, values={"apiKey": Secret(key.encode())}
    )

    assert checked.verdict.outcome == "inconclusive"
    assert checked.verdict.message.startswith("{field} is stored with quotes")
    assert checked.verdict.limits == {"field": "apiKey"}


async def test_a_key_with_a_line_break_is_sent_without_it(script: Script) -> None:
    await script.check("SENDGRID", (500, ""), values={"apiKey": Secret("\ufeffSG.key\n".encode())})

    assert script.requests[0][1]["authorization"] == "Bearer SG.key"
