"""A refusal of what does not look like a key says so, as a new key would be refused as well."""

import json
from base64 import b64encode
from collections.abc import Callable

import pytest

from app.http.integrations.bodies import create_schema
from app.http.integrations.warnings import find_warnings
from app.providers.registry import load_providers
from app.secrets.secret import Secret
from tests.app.providers.conftest import Script

PROVIDERS = load_providers()
CREATE = create_schema(PROVIDERS)
KEYS = {
    "SENDGRID": {"apiKey": "SG." + "aB3-_" * 4 + "cd." + "x1Y-" * 10 + "abc"},
    "ELASTIC_EMAIL": {"apiKey": "A1B2C3D4E5F6" * 8},
    "TWILIO": {"apiKey": "AC" + "0b" * 16, "apiSecret": "7a1b2c3d4e5f60718293a4b5c6d7e8f9"},
    "NEXMO": {"apiKey": "ab12cd34", "apiSecret": "aBcDeF1234567890"},
}
REFUSALS: dict[str, object] = {
    "SENDGRID": {"errors": [{"message": "Permission denied, wrong credentials"}]},
    "ELASTIC_EMAIL": {"Error": "Incorrect apikey"},
    "TWILIO": {"code": 20003, "message": "Authenticate"},
    "NEXMO": {"error-code-label": "authentication failed"},
}
STAND_INS = [
    "${SENDER_API_KEY}",
    "$SENDER_API_KEY",
    "%SENDER_API_KEY%",
    "SENDER_API_KEY",
    "SENDER_API_KEY=",
    "process.env.SENDER_API_KEY",
    "os.environ['SENDER_API_KEY']",
    "op://Marketing/Sender/key",
    "x" * 16,
]
FORMS: dict[str, Callable[[str], str]] = {
    "base64": lambda key: b64encode(key.encode()).decode(),
    "base64 with its line break": lambda key: b64encode(f"{key}\n".encode()).decode(),
    "cut short": lambda key: key[:4],
    "hidden": lambda _: "*" * 16,
    "hidden but for its beginning": lambda key: key[:4] + "*" * 12,
    **{text: lambda _, text=text: text for text in STAND_INS},
}
# Of those that are asked in any form.
FIELDS = [
    ("SENDGRID", "apiKey"),
    ("ELASTIC_EMAIL", "apiKey"),
    ("TWILIO", "apiSecret"),
    ("NEXMO", "apiSecret"),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("type_", "field"), FIELDS)
async def test_a_refusal_names_the_field_that_does_not_look_like_a_key(
    script: Script, type_: str, field: str, form: str
) -> None:
    given = {**KEYS[type_], field: FORMS[form](KEYS[type_][field])}
    body = {"name": "n", "type": type_, "channel": PROVIDERS[type_].channel, **given}
    values = {name: Secret(value.encode()) for name, value in given.items()}

    warned = [*find_warnings(CREATE.read(json.dumps(body).encode()), PROVIDERS[type_])]
    checked = await script.check(type_, (401, REFUSALS[type_]), values=values)

    assert [(name, each.code) for name, each in warned] == [(field, "UNUSUAL_FORMAT")]
    verdict = checked.verdict.reason or checked.verdict
    assert (verdict.outcome, verdict.limits) == ("invalid", {"field": field})
    assert "does not look like a key" in verdict.message


@pytest.mark.parametrize("type_", KEYS)
async def test_a_refusal_of_what_looks_like_a_key_names_no_field(
    script: Script, type_: str
) -> None:
    values = {name: Secret(value.encode()) for name, value in KEYS[type_].items()}

    verdict = (await script.check(type_, (401, REFUSALS[type_]), values=values)).verdict

    assert verdict.outcome == "invalid"
    assert "does not look like a key" not in verdict.message


# ----- Secrets of any form, which Vonage lets people choose -----
CHOSEN = [
    *("Nordwind2026", "passwordPassword1", "Xy7_Kq2_Lm9", "Zz9**Yy8^", "Aa1=Bb2Cc3"),
    *("abc=DEF123ghi", "aBcDeFgHiJkLmNoP", "$ecret", "p%40%Ss", "aBcD" * 8),
]


@pytest.mark.parametrize("secret", [*CHOSEN, KEYS["NEXMO"]["apiSecret"]])
async def test_a_chosen_secret_is_not_unusual(script: Script, secret: str) -> None:
    given = {"apiKey": "ab12cd34", "apiSecret": secret}
    body = {"name": "n", "type": "NEXMO", "channel": "SMS", **given}
    values = {name: Secret(value.encode()) for name, value in given.items()}

    warned = [*find_warnings(CREATE.read(json.dumps(body).encode()), PROVIDERS["NEXMO"])]
    verdict = (await script.check("NEXMO", (401, REFUSALS["NEXMO"]), values=values)).verdict

    assert warned == []
    assert verdict.message.startswith("The key and the secret do not belong together")


WRAPPED_SECRETS = {
    "API_SECRET=ABCDEFGH01234abc": "LOOKS_LIKE_VARIABLE",
    "secret=Nordwind2026": "LOOKS_LIKE_VARIABLE",
    "ABCDEFGH01234abc,": "LOOKS_QUOTED",
    '"Nordwind2026"': "LOOKS_QUOTED",
    "prod = a1b2c3d4": "SPACE_INSIDE",
    "Cl\u00e9 API=ABCDEFGH01234abc": "SPACE_INSIDE",
    "\u30ad\u30fc=ABCDEFGH01234abc": "UNUSUAL_CHARACTER",
    "{{ VONAGE_API_SECRET }}": "UNUSUAL_FORMAT",
}


@pytest.mark.parametrize("secret", WRAPPED_SECRETS)
def test_a_chosen_secret_that_is_wrapped_is_a_warning(secret: str) -> None:
    body = {"name": "n", "type": "NEXMO", "channel": "SMS", "apiSecret": secret}

    found = find_warnings(CREATE.read(json.dumps(body).encode()), PROVIDERS["NEXMO"])

    assert WRAPPED_SECRETS[secret] in {each.code for _, each in found}
