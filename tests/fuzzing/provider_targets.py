"""Provider files, responses of providers, and credentials with a format of their own."""

import re

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.http.integrations.bodies import MAX_SECRET_LENGTH
from app.providers.errors import InvalidServiceAccountError, ProviderFileError
from app.providers.google_service_account import parse_account, token_request
from app.providers.http_client import ProviderResponse, decode_json
from app.providers.provider_file import HttpCheck
from app.providers.registry import load_providers, parse_provider
from app.providers.vapid import is_key_pair, is_pasted_pair
from app.providers.verdict import evaluate, json_values
from app.secrets.private_key_text import contains_private_key
from app.secrets.secret import Secret
from tests.fuzzing.target import Target, require

RULES = [
    (status, rules)
    for provider in load_providers().values()
    if isinstance(provider.check, HttpCheck)
    for rules in (provider.check.rules, getattr(provider.check.service_account, "rules", ()))
    for rule in rules
    for status in rule.statuses
]
FORMATS = [
    field.format
    for provider in load_providers().values()
    for field in provider.fields.values()
    if field.format
]
# Small, as it protects nothing; it is made fast.
PEM = generate_private_key(65537, 1024).private_bytes(  # noqa: S505 — see above
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)
ACCOUNT = msgspec.json.encode(
    {
        "type": "service_account",
        "project_id": "demo-1",
        "client_email": "a@example.org",
        "private_key": PEM.decode(),
    }
)


def read_answer(data: bytes) -> None:
    """Evaluate a response by the rules of every provider."""
    content = decode_json(data)
    for status, rules in RULES:
        verdict = evaluate(ProviderResponse(status, content), rules)
        require(verdict.outcome in OUTCOMES, "a verdict is one of five")
    json_values("error.details.*.reason", content)


def read_account(data: bytes) -> None:
    """Read the JSON of a service account, and sign with it."""
    account = parse_account(Secret(data))
    token_request(account, audience="https://a.example/token", scope="s", now=1_800_000_000)


def read_key(data: bytes) -> None:
    """Read a key as either half of a VAPID pair, and by the formats of all providers."""
    key = data.decode(errors="replace")[:MAX_SECRET_LENGTH]  # none that is longer gets here
    is_key_pair(key, key[::-1])
    is_pasted_pair(key, key[::-1])
    contains_private_key(key, is_key=True)
    for form in FORMATS:
        re.fullmatch(form, key)


# As few words as a file can have that says all that one can say: tomllib is Python, and slow.
ASKING = b"""type = "SENDGRID"
channel = "EMAIL"
name = "S"
[fields.apiKey]
required = true
label = "K"
help = "h"
example = "e"
format = '\\{.*|A{3}'
[[regions]]
name = "G"
url = "https://a.example"
[check]
kind = "http"
method = "POST"
path = "/v1/{projectId}"
auth = { kind = "bearer", field = "accessToken" }
body = { b = true }
[[check.offline]]
field = "apiKey"
unless = '\\{.*'
outcome = "retired"
detail = "d"
[[check.rules]]
status = 200
where = [{ at = "n", type = "string", equals = 1, contains = "c" }]
outcome = "ok"
[check.service_account]
field = "apiKey"
url = "https://b.example"
path = "/t"
scope = "s"
rules = [{ status = 400, where = [{ at = "e", one_of = ["g"] }], outcome = "invalid" }]
"""
PAIRED = b'''type = "WEB_PUSH"
channel = "PUSH"
name = """P"""
fields.vapidPublicKey = { label = "P", help = "p", example = "p" }
fields.vapidPrivateKey = { label = "S", help = "s", example = "s" }
check.kind = "vapid-pair"
'''
PUBLIC_KEY = (
    b"BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
)
OUTCOMES = ("ok", "invalid", "insufficient", "retired", "inconclusive")
TARGETS = (
    Target(
        name="provider-file",
        read=lambda data: parse_provider(data, "a.toml"),
        refusals=(ProviderFileError,),
        examples=(ASKING, PAIRED),
        words=(
            b"[[",
            b"]]\n",
            b" = ",
            b"'''",
            b'"""',
            b"[[check.rules]]\n",
            b"format = '(a+)+$'\n",
        ),
        discreet=False,
        longest=1_024,
    ),
    Target(
        name="provider-answer",
        read=read_answer,
        examples=(
            b'{"scopes":["mail.send"]}',
            b'{"status":"active","value":5.5,"error":{"status":"INVALID_ARGUMENT"}}',
        ),
        words=(b'"mail.send"', b'"scopes":', b'"auth_token":"t"'),
    ),
    Target(
        name="service-account",
        read=read_account,
        refusals=(InvalidServiceAccountError,),
        examples=(ACCOUNT,),
        words=(b"-----BEGIN RSA PRIVATE KEY-----\\n", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\\n"),
    ),
    Target(
        name="provider-key",
        read=read_key,
        examples=(
            b"SG." + b"a" * 22 + b"." + b"b" * 43,
            b"AC" + b"0" * 32,
            PUBLIC_KEY,
        ),
        words=(b"=", b"-_", b"+/"),
    ),
)
