"""What creation takes, the check takes: keys as people paste them."""

import asyncio
import json
from collections.abc import Callable, Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.http.errors import InvalidFieldsError
from app.http.integrations.bodies import SECRET_FIELDS, CreateIntegrationBody, create_schema
from app.http.integrations.warnings import find_warnings
from app.pasted_text import TRIMMED
from app.providers.check import CredentialChecker
from app.providers.errors import NoResponseError
from app.providers.http_client import ProviderClient, ProviderRequest, ProviderResponse
from app.providers.registry import load_providers
from app.providers.vapid import read_private_key
from app.secrets.secret import Secret
from tests.app.providers.conftest import Script
from tests.support.account_forms import FORMS
from tests.support.any_provider import SENDGRID_REFUSES
from tests.support.private_keys import SPELLINGS, base64url, make_key, point, scalar

PROVIDERS = load_providers()
CREATE = create_schema(PROVIDERS)
FCM = "FIREBASE_FCM"
TOKEN = {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}


class NoNetwork(ProviderClient):
    """Reaches nobody."""

    async def request(self, request: ProviderRequest) -> ProviderResponse:  # noqa: ARG002 — its base uses it
        raise NoResponseError(reason="unreachable")


def checker() -> CredentialChecker:
    """Return a checker without a network: what it finds, it finds by the form."""
    return CredentialChecker(PROVIDERS, NoNetwork(), {})


@given(text=st.text(max_size=300))
async def test_only_a_legacy_key_is_retired(text: str) -> None:
    checked = await checker().check(FCM, {"apiKey": Secret(text.encode())})

    assert checked.verdict.outcome != "retired" or ("AAAA" in text and ":" in text)


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
    private = body.vapid_private_key
    found = {
        "apiKey": body.api_key,
        "apiSecret": body.api_secret,
        "vapidPrivateKey": read_private_key(private) if private else None,
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
    "a line break as an escape": "{}\\n",
    "a line break as in an address": "{}%0A",
}


@pytest.mark.parametrize("form", WRAPPED)
async def test_a_wrapped_key_is_not_blamed(form: str, script: Script) -> None:
    key = WRAPPED[form].format("SG." + "a" * 22 + "." + "b" * 43)
    refusal = (401, SENDGRID_REFUSES)

    checked = await script.check(
        "SENDGRID", refusal, refusal, values={"apiKey": Secret(key.encode())}
    )

    assert checked.verdict.outcome == "inconclusive"
    assert checked.verdict.message == (
        "{field} is stored with quotes, brackets, Bearer, a name, \\n or other text around it;"
        " store the key alone"
    )
    assert checked.verdict.limits == {"field": "apiKey"}


async def test_a_key_with_a_line_break_is_sent_without_it(script: Script) -> None:
    await script.check("SENDGRID", (500, ""), values={"apiKey": Secret("\ufeffSG.key\n".encode())})

    assert script.requests[0][1]["authorization"] == "Bearer SG.key"
