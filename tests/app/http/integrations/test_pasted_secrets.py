"""A secret that is copied with something around it: a warning says so, for each provider."""

# ruff: noqa: RUF001 — these characters are meant

import json

import pytest

from app.http.integrations.bodies import create_schema
from app.http.integrations.warnings import find_warnings
from app.providers.registry import load_providers

PROVIDERS = load_providers()
CREATE = create_schema(PROVIDERS)
SECRETS = {
    "SENDGRID": ("apiKey", "SG.aB3-_cdefghijklmnopqrs." + "x1Y-" * 10 + "abc"),
    "ELASTIC_EMAIL": ("apiKey", "A1B2C3D4E5F6" * 8),
    "TWILIO": ("apiSecret", "7a1b2c3d4e5f60718293a4b5c6d7e8f9"),
    "NEXMO": ("apiSecret", "aBcDeF1234567890"),
    "WEB_PUSH": ("vapidPrivateKey", "k" * 21 + "-_A1" + "z" * 17 + "E"),
}
USER = "ab12cd34"
Q, H, V, E = "LOOKS_QUOTED", "LOOKS_LIKE_HEADER", "LOOKS_LIKE_VARIABLE", "LOOKS_ESCAPED"
AROUND = "TEXT_AROUND"

FORMS: list[tuple[str, set[str]]] = [
    # headers
    ("Bearer {}", {H}),
    ("Bearer:{}", {H}),
    ("bearer: {}", {H}),
    ("Bearer%20{}", {H}),
    ("ApiKey {}", {H}),
    ("authorization=Bearer%20{}", {H}),
    ("x-api-key: {}", {V}),
    ("X-API-Key:{}", {V}),
    ("-H 'x-api-key: {}'", {V, Q}),
    # names: shells, .env, YAML, TOML, code, JSON
    ("export SENDGRID_API_KEY='{}'", {V, Q}),
    ('set "API_KEY={}"', {V, Q}),
    ('ENV API_KEY="{}"', {V, Q}),
    ("--api-key={}", {V}),
    ("API_KEY={}", {V}),
    ("API_KEY?={}", {V}),
    ("API_KEY:={}", {V}),
    ("api_key: {}", {V}),
    ("sendgrid:\n  api_key: '{}'", {V, Q}),
    ("api_key: >-\n  {}", {V}),
    ('api_key = "{}"', {V, Q}),
    ("$apiKey = '{}';", {V, Q}),
    ("'api_key' => '{}',", {V, Q}),
    ('os.environ["API_KEY"] = "{}"', {V, Q}),
    ('{{"apiKey":"{}"}}', {V, Q}),
    ('{{ "api_key" : "{}" }}', {V, Q}),
    ("{{apiKey: '{}'}}", {V, Q}),
    ('[{{"token":"{}"}}]', {V, Q}),
    ('["{}"]', {Q}),
    # what pages call it
    ("API Key: {}", {V}),
    ("API key:{}", {V}),
    ("Auth Token: {}", {V}),
    ("Clé d’API : {}", {V}),
    ("API-Schlüssel: {}", {V}),
    ("Chave de API: {}", {V}),
    ("مفتاح API: {}", {V}),
    ("API anahtarı: {}", {V}),
    ("API キー：{}", {V}),
    # line breaks and spaces that are written out
    ("{}\\n", {E}),
    ("{}\\r\\n", {E}),
    ("{}\\\\n", {E}),
    ("\\n{}\\n", {E}),
    ('"{}\\n"', {Q, E}),
    ("{}%0A", {E}),
    ("%09{}", {E}),
    ("\\u200b{}", {E}),
    ("{}\\u00a0", {E}),
    ("{}%0D%0A", {E}),
    ("{}&nbsp;", {E}),
    ("{}<br/>", {E}),
    # sentences, tables, commands
    ("My SendGrid production key is {}", {AROUND}),
    ('curl -H "Authorization: Bearer {}" https://api.example.com/v3/mail/send', {AROUND}),
    ("define('SENDGRID_API_KEY', '{}');", {AROUND}),
    ("Key of production, do not share\n\n{}\n\n(ask Ada)", {AROUND}),
    ('<add key="SENDGRID_API_KEY" value="{}" />', {AROUND}),
    ('{{"env": "production", "apiKey": "{}"}}', {AROUND}),
    ("apikey / {}", {AROUND}),
    ("API key | {}", {AROUND}),
    ("setx SENDGRID_PRODUCTION_KEY {}", {AROUND}),
]
# Text that a secret of 6 to 32 characters of any kind, as Vonage's, may be itself.
SHORT_FORMS = ["{}.", "**{}**", "_{}_", "={}", "{},prod", "{}\\", "<b>{}</b>", "({}"]
SPACED_FORMS = ["{}\tSendGrid", "{} # prod", "- {}", "• {}", "> {}", "API {}"]


def codes(provider: str, value: str) -> set[str]:
    """Return the codes of the warnings about *value* as the secret of a new integration."""
    field, _ = SECRETS[provider]
    body = {"name": "n", "type": provider, "channel": PROVIDERS[provider].channel, field: value}
    found = find_warnings(CREATE.read(json.dumps(body).encode()), PROVIDERS[provider])
    return {problem.code for name, problem in found if name == field}


@pytest.mark.parametrize("provider", SECRETS)
@pytest.mark.parametrize(("form", "expected"), FORMS)
def test_what_is_around_a_secret_is_a_warning(provider: str, form: str, expected: set[str]) -> None:
    found = codes(provider, form.format(SECRETS[provider][1]))
    if provider == "NEXMO" and expected == {AROUND}:  # any text may hold such a secret
        assert found
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "OTHER_KIND"),  # the ID of an application
        ("my-nexmo-horse", "UNUSUAL_FORMAT"),
        ("eyJhbGciOiJI.eyJpc3MiOiJh.c2lnbmF0dXJl", "UNUSUAL_FORMAT"),
        ("my key abcd1234", "SPACE_INSIDE"),
        *((f"{name}={USER}", V) for name in ("username", "system_id", "NEXMO_ID", "account")),
        (f"'{USER}'", Q),
    ],
)
def test_a_word_that_may_be_a_key_is_not_called_one(key: str, expected: str) -> None:
    keys = {"apiKey": key, "apiSecret": SECRETS["NEXMO"][1]}
    body = {"name": "n", "type": "NEXMO", "channel": "SMS", **keys}
    found = find_warnings(CREATE.read(json.dumps(body).encode()), PROVIDERS["NEXMO"])
    assert [(name, problem.code) for name, problem in found] == [("apiKey", expected)]


@pytest.mark.parametrize("provider", [name for name in SECRETS if name != "NEXMO"])
@pytest.mark.parametrize("form", [*SHORT_FORMS, *SPACED_FORMS])
def test_a_key_with_a_known_form_is_found_in_any_text(provider: str, form: str) -> None:
    assert AROUND in codes(provider, form.format(SECRETS[provider][1]))


@pytest.mark.parametrize("form", SPACED_FORMS)
def test_a_secret_of_any_form_has_no_space(form: str) -> None:
    assert "SPACE_INSIDE" in codes("NEXMO", form.format(SECRETS["NEXMO"][1]))


# Both keys of a pair, or the command or the link that they stand in.
REQUESTS: list[tuple[str, set[str]]] = [
    *((f"{USER}{sign}{{}}", {AROUND}) for sign in ":./,;|&\t\n "),
    (f"{USER} / {{}}", {AROUND}),
    (f"-u {USER}:{{}}", {AROUND}),
    ("-u api:{}", {AROUND}),
    (f"NEXMO_ACCOUNT={USER}:{{}}", {V, AROUND}),
    (f"--user '{USER}:{{}}'", {Q, AROUND}),
    (f"curl -u {USER}:{{}} https://api.example.com/a", {AROUND}),
    (f"-d 'api_key={USER}' -d 'api_secret={{}}'", {Q, AROUND}),
    ("--data-urlencode api_secret={}", {AROUND}),
    (f"?api_key={USER}&api_secret={{}}", {AROUND}),
    (f"api_key={USER}&api_secret={{}}", {V, AROUND}),
    (f"https://rest.example.com/sms/json?api_key={USER}&api_secret={{}}", {AROUND}),
    ("https://api.example.com/?token={}", {AROUND}),
    (f"https://{USER}:{{}}@api.example.com", {AROUND}),
    ("smtp://apikey:{}@smtp.example.com:587", {AROUND}),
    (f'{{{{"api_key": "{USER}", "api_secret": "{{}}"}}}}', {AROUND}),
    (f"new Client({{{{apiKey: '{USER}', apiSecret: '{{}}'}}}})", {AROUND}),
    (f"API_KEY={USER}\nAPI_SECRET={{}}", {V, AROUND}),
    (f"Authorization: Basic {USER}:{{}}", {H, AROUND}),
]


@pytest.mark.parametrize("provider", SECRETS)
@pytest.mark.parametrize(("form", "expected"), REQUESTS)
def test_a_secret_in_a_pair_or_a_request_is_a_warning(
    provider: str, form: str, expected: set[str]
) -> None:
    assert codes(provider, form.format(SECRETS[provider][1])) == expected


REFERENCES = [  # what stands for a secret that is kept elsewhere, and holds none
    "op://production/sendgrid/credential/key",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/sendgrid-AbCdEf",
    "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/sendgrid/)",
    "@Microsoft.KeyVault(VaultName=production;SecretName=sendgrid)",
    "vault:secret/data/production/sendgrid#key",
    "projects/x/secrets/sendgrid-api-key/versions/latest",
    "https://app.example.com/settings/api_keys",
]


@pytest.mark.parametrize("provider", SECRETS)
@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_to_a_secret_is_not_said_to_contain_one(provider: str, reference: str) -> None:
    assert codes(provider, reference) == {"UNUSUAL_FORMAT"}


@pytest.mark.parametrize("provider", SECRETS)
def test_a_service_account_is_not_said_to_contain_a_key_of_another_provider(provider: str) -> None:
    private_key = f"-----BEGIN PRIVATE KEY-----\n/{SECRETS[provider][1]}/\n"
    account = {"type": "service_account", "project_id": "p", "private_key": private_key}
    assert codes(provider, json.dumps(account)) == {"SPACE_INSIDE"}


def test_a_pair_in_the_field_of_its_first_key_is_a_warning() -> None:
    pair = f"{USER}:{SECRETS['NEXMO'][1]}"
    body = {"name": "n", "type": "NEXMO", "channel": "SMS", "apiKey": pair}
    found = find_warnings(CREATE.read(json.dumps(body).encode()), PROVIDERS["NEXMO"])
    assert [(name, problem.code) for name, problem in found] == [("apiKey", AROUND)]


@pytest.mark.parametrize("provider", SECRETS)
def test_a_secret_alone_has_no_warning(provider: str) -> None:
    assert codes(provider, SECRETS[provider][1]) == set()


@pytest.mark.parametrize(
    "secret",
    ["p4ss:word", "a%2Fb%20c!", "Passw0rd)", "a\\b\\nz", "(x-y_z)!", "it's-mine", "a&b#c;d"],
)
def test_a_secret_of_unusual_characters_is_not_called_wrapped(secret: str) -> None:
    assert codes("NEXMO", secret) == set()
