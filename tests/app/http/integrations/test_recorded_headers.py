"""No secret stands in what a caller writes into records: each command, and each spelling.

Those are the Idempotency-Key, the X-Request-Id, and the purpose of a lease. The address of a caller
is an address (test_client_address.py), and its token is its issuer's word.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import httpx2
import pytest
from msgspec import Struct

from app.tokens.principal import RESOLVE
from tests.support.private_keys import PUBLIC_SPELLINGS, SPELLINGS, make_key
from tests.support.service import Service
from tests.support.worker import Worker, client_with

PATH, DEFAULTS = "/en/api/integration", "/en/api/integration-defaults"
KEY, OTHER_KEY = make_key(1), make_key(2)
PRIV, PUB = SPELLINGS["base64url"](KEY), PUBLIC_SPELLINGS["base64url"](KEY)
TOKEN = "0123456789abcdef" + "0123456789abcdeF"
SMS = {"name": "SMS", "type": "TWILIO", "channel": "SMS", "apiSecret": TOKEN}
PUSH = {"name": "Push", "type": "WEB_PUSH", "channel": "PUSH", "vapidPublicKey": PUB}
PAIR = {**PUSH, "vapidPrivateKey": PRIV}
ACCOUNT = f"AC{'0' * 32}"


class Setting(Struct, frozen=True):
    """An integration that is the default of its channel, another one, and who asks for what."""

    body: Mapping[str, str]
    client: httpx2.Client
    worker: Worker
    keyless: httpx2.Client  # a worker's, whose token names no key
    place: str
    other: str

    @property
    def default(self) -> str:
        """The path of the default of the channel."""
        return f"{DEFAULTS}/{self.body['channel']}"

    def choose(self, place: str, **more: Any) -> httpx2.Response:
        """Make an integration the default."""
        body = {"integrationId": place.rpartition("/")[2]}
        return self.client.put(self.default, json=body, **more)

    def switch_off(self) -> None:
        """Switch the integration off."""
        self.client.post(f"{self.place}/toggle", json={"isActive": False})


@pytest.fixture
def set_up(
    client: httpx2.Client, service: Service, workspace: str
) -> Iterator[Callable[[Mapping[str, str]], Setting]]:
    """Return what makes the setting of a body."""
    worker = Worker(service, workspace)
    keyless = client_with(service, workspaceId=workspace, permissions=[RESOLVE])

    def make(body: Mapping[str, str]) -> Setting:
        plain = {name: body[name] for name in ("name", "type", "channel")}
        place, other = (client.post(PATH, json=each).headers["Location"] for each in (body, plain))
        setting = Setting(body, client, worker, keyless, place, other)
        assert setting.choose(place).status_code == 200
        return setting

    with worker.client, keyless:
        yield make


Call = Callable[[Setting, Any], httpx2.Response]


def choose_again(setting: Setting, more: Any) -> httpx2.Response:
    """Choose the integration in the place of the other one."""
    setting.choose(setting.other)
    return setting.choose(setting.place, **more)


def after(change: Callable[[Setting], object], call: Call) -> Call:
    """Return *call* after *change*."""

    def both(setting: Setting, more: Any) -> httpx2.Response:
        change(setting)
        return call(setting, more)

    return both


def lease(setting: Setting, more: Any) -> httpx2.Response:
    """Lease the integration."""
    return setting.worker.client.post(f"{setting.place}/lease", **more)


def lease_default(setting: Setting, more: Any) -> httpx2.Response:
    """Lease the default of the channel."""
    return setting.worker.client.post(f"{setting.default}/lease", **more)


CHANGES: Mapping[str, Call] = {  # by the ids of their operations
    "createIntegration": lambda s, more: s.client.post(PATH, json=s.body, **more),
    "changeIntegration": lambda s, more: s.client.patch(s.place, json={"isActive": False}, **more),
    "toggleIntegration": lambda s, more: s.client.post(
        f"{s.place}/toggle", json={"isActive": False}, **more
    ),
    "replaceCredentials": lambda s, more: s.client.put(
        f"{s.place}/credentials", json={"apiKey": "another-key"}, **more
    ),
    "checkCredentials": lambda s, more: s.client.post(f"{s.place}/check", **more),
    "deleteIntegration": lambda s, more: s.client.delete(s.place, **more),
    "chooseDefault, another one": lambda s, more: s.choose(s.other, **more),
    "chooseDefault, this one": choose_again,
    "clearDefault": lambda s, more: s.client.delete(s.default, **more),
}
LEASES: Mapping[str, tuple[Call, str]] = {  # and what is recorded
    "leaseIntegration": (lease, "GRANTED"),
    "leaseDefault": (lease_default, "GRANTED"),
    "leaseIntegration, off": (after(Setting.switch_off, lease), "INTEGRATION_INACTIVE"),
    "leaseDefault, off": (after(Setting.switch_off, lease_default), "DEFAULT_INACTIVE"),
    "leaseIntegration, no key": (
        lambda s, more: s.keyless.post(f"{s.place}/lease", **more),
        "RECIPIENT_REQUIRED",
    ),
    "leaseDefault, no key": (
        lambda s, more: s.keyless.post(f"{s.default}/lease", **more),
        "RECIPIENT_REQUIRED",
    ),
}
CALLS = {**CHANGES, **{name: call for name, (call, _) in LEASES.items()}}
RECORDS_NOTHING = {"createConsoleLink"}


def test_each_operation_that_records_is_in_the_table(client: httpx2.Client) -> None:
    paths = client.get("/docs/openapi.json").json()["paths"]
    operations = {
        operation["operationId"]
        for path in paths.values()
        for method, operation in path.items()
        if method in ("post", "put", "patch", "delete")
    }
    assert operations == {name.partition(",")[0] for name in CALLS} | RECORDS_NOTHING


def groups_of(text: str, size: int) -> str:
    """Return *text* in pieces of *size* characters."""
    return "-".join(text[at : at + size] for at in range(0, len(text), size))


SECRETS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "alone": (SMS, TOKEN),
    "in a text": (SMS, f"rotate-{TOKEN}-1"),
    "in base64url": (SMS, urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")),
    "in pieces": (SMS, groups_of(TOKEN, 8)),
    "PRIV": (PAIR, PRIV),
    "key_PRIV_1": (PAIR, f"key_{PRIV}_1"),
    "PRIV in pieces": (PAIR, groups_of(PRIV, 11)),
    "PRIV in hexadecimal": (PAIR, SPELLINGS["hexadecimal"](KEY)),
}
TYPICAL = "in a text"


def each_call_and_each_text(calls: Iterable[str], at: str) -> list[Any]:
    """Return cases: each of *calls* with a typical text, and each text with the call *at*.

    One function compares texts with secrets; each operation has to call it.
    """
    pairs = [*((call, TYPICAL) for call in calls), *((at, text) for text in SECRETS)]
    return [
        pytest.param(CALLS[call], *SECRETS[text], id=f"{call}-{text}")
        for call, text in dict.fromkeys(pairs)
    ]


def everything(client: httpx2.Client, service: Service) -> str:
    """Return all that is shown and logged."""
    paths = ("integration", "history-log", "integration-accesses", "audit/export")
    return "".join([*(client.get(f"/en/api/{path}").text for path in paths), log_of(service)])


def log_of(service: Service) -> str:
    """Return the log of the operator."""
    return service.log_file.read_text()


@pytest.mark.parametrize(
    ("call", "body", "text"), each_call_and_each_text(CHANGES, "toggleIntegration")
)
def test_an_idempotency_key_with_a_secret_is_refused(
    set_up: Callable[..., Setting],
    service: Service,
    call: Call,
    body: Mapping[str, str],
    text: str,
) -> None:
    setting = set_up(body)

    refused = call(setting, {"headers": {"Idempotency-Key": text}})

    assert refused.status_code == 400, refused.text
    (detail,) = refused.json()["result"]["details"]
    assert (detail["field"], detail["code"]) == ("Idempotency-Key", "LOOKS_LIKE_SECRET")
    assert text not in refused.text + everything(setting.client, service)


@pytest.mark.parametrize(
    ("call", "body", "text"), each_call_and_each_text(CALLS, "toggleIntegration")
)
def test_a_request_id_with_a_secret_is_replaced_everywhere(
    set_up: Callable[..., Setting],
    service: Service,
    call: Call,
    body: Mapping[str, str],
    text: str,
) -> None:
    setting = set_up(body)

    answer = call(setting, {"headers": {"X-Request-Id": text}})

    assert answer.status_code in (200, 201, 403, 409), answer.text
    assert answer.headers["X-Request-Id"] != text
    assert text not in answer.text + everything(setting.client, service)


@pytest.mark.parametrize(
    ("call", "body", "text"), each_call_and_each_text(LEASES, "leaseIntegration")
)
def test_a_purpose_with_a_secret_is_refused_and_not_recorded(
    set_up: Callable[..., Setting],
    service: Service,
    call: Call,
    body: Mapping[str, str],
    text: str,
) -> None:
    setting = set_up(body)

    refused = call(setting, {"json": {"purpose": text}})

    assert refused.status_code == 400, refused.text
    (detail,) = refused.json()["result"]["details"]
    assert (detail["field"], detail["code"]) == ("purpose", "LOOKS_LIKE_SECRET")
    assert text not in refused.text + everything(setting.client, service)
    assert setting.client.get("/en/api/integration-accesses").json()["result"]["data"] == []


@pytest.mark.parametrize(("call", "outcome"), LEASES.values(), ids=LEASES)
def test_any_other_purpose_and_request_id_are_recorded(
    set_up: Callable[..., Setting], call: Call, outcome: str
) -> None:
    setting = set_up(SMS)
    given = {"json": {"purpose": TOKEN[:7]}, "headers": {"X-Request-Id": "trace_1"}}

    answer = call(setting, given)

    [entry] = setting.client.get("/en/api/integration-accesses").json()["result"]["data"]
    recorded = (entry["outcome"], entry["purpose"], entry["requestId"])
    assert recorded == (outcome, TOKEN[:7], answer.headers["X-Request-Id"])
    assert answer.headers["X-Request-Id"] == "trace_1"


# What is a secret of nobody here, and still has the structure of one.
STRUCTURED = {
    "a private key": SPELLINGS["base64url"](OTHER_KEY),
    "in hexadecimal": SPELLINGS["hexadecimal"](OTHER_KEY),
    "the head of DER": SPELLINGS["PKCS#8 base64url"](OTHER_KEY)[:64],
    "an API key of Twilio": f"SK{'0a' * 16}",
    "the same in a text": f"for:SK{'0a' * 16}",
}
PURPOSES = {
    "a campaign": "campaign:cmp_123",
    "the id of an account": ACCOUNT,
    "UUID": "campaign:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "UUID without hyphens": "campaign:f81d4fae7dec11d0a76500a0c91e6bf6",
    "ULID": "send:01JDW2Q5V3N8Z7R4K6M9T0XYBC",
    "an id of ours": "integration:int_01h455vb4pex5vsknk084sn02q",
    "SHA-1": "release:da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "words": "marketing.campaigns.production.europe.newsletter-2026-Q1_v2",
    "CamelCase": "OrderConfirmation:WebShop.DE:2025-11-29T10:00:00.000Z",
}


@pytest.mark.parametrize("purpose", STRUCTURED.values(), ids=STRUCTURED)
def test_a_purpose_that_is_a_key_is_refused(set_up: Callable[..., Setting], purpose: str) -> None:
    setting = set_up({"name": "Mail", "type": "SENDGRID", "channel": "EMAIL"})
    nobodys = setting.worker.client.post(f"{DEFAULTS}/SMS/lease", json={"purpose": purpose})

    for refused in (lease(setting, {"json": {"purpose": purpose}}), nobodys):
        assert refused.status_code == 400, refused.text
        (detail,) = refused.json()["result"]["details"]
        assert (detail["field"], detail["code"]) == ("purpose", "LOOKS_LIKE_SECRET")
    assert setting.client.get("/en/api/integration-accesses").json()["result"]["data"] == []


@pytest.mark.parametrize("purpose", PURPOSES.values(), ids=PURPOSES)
def test_a_purpose_that_is_an_id_or_words_is_taken(
    set_up: Callable[..., Setting], purpose: str
) -> None:
    granted = lease(set_up(SMS), {"json": {"purpose": purpose}})

    assert granted.status_code == 200, granted.text


@pytest.mark.parametrize("locale", ["en", "es", "ar", "de", "fr", "pt", "tr"])
def test_each_refusal_of_a_purpose_is_told_in_seven_languages(
    set_up: Callable[..., Setting], locale: str
) -> None:
    setting = set_up(SMS)
    path = f"{setting.place}/lease".replace("/en/", f"/{locale}/")

    answers = [
        setting.worker.client.post(path, json={"purpose": purpose})
        for purpose in (TOKEN, PRIV, f"SK{'0a' * 16}")
    ]

    texts = [answer.json()["result"]["details"][0]["message"] for answer in answers]
    assert len({*texts}) == len(texts)
    assert all(("visible to everybody" in text) is (locale == "en") for text in texts)


STRUCTURES = {
    "the head of a PEM": "-----BEGIN PRIVATE KEY-----",
    "PKCS#8": SPELLINGS["PKCS#8 base64"](OTHER_KEY),
    "JWK": json.dumps({"kty": "EC", "d": SPELLINGS["base64url"](OTHER_KEY)}),
}


@pytest.mark.parametrize("text", STRUCTURES.values(), ids=STRUCTURES)
def test_an_idempotency_key_that_is_a_private_key_is_refused(
    client: httpx2.Client, text: str
) -> None:
    refused = client.post(PATH, json=PUSH, headers={"Idempotency-Key": text})

    assert refused.status_code == 400, refused.text
    (detail,) = refused.json()["result"]["details"]
    assert (detail["field"], detail["code"]) == ("Idempotency-Key", "LOOKS_LIKE_SECRET")


@pytest.mark.parametrize(
    "text", [SPELLINGS["PEM"](KEY).replace("\n", "") + "." * 256, "%" * 60_000]
)
def test_an_idempotency_key_that_is_too_long_is_not_looked_at(
    client: httpx2.Client, text: str
) -> None:
    refused = client.post(PATH, json=SMS, headers={"Idempotency-Key": text})

    assert refused.status_code == 400, refused.text
    assert [each["code"] for each in refused.json()["result"]["details"]] == ["INVALID_HEADER"]


def test_a_request_id_that_is_a_private_key_is_replaced(client: httpx2.Client) -> None:
    ed25519 = "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

    answer = client.get(PATH, headers={"X-Request-Id": ed25519})
    assert answer.headers["X-Request-Id"] != ed25519


IDS = {
    "UUID": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "32 random bytes": SPELLINGS["base64url"](OTHER_KEY),
    "a hash": SPELLINGS["hexadecimal"](OTHER_KEY),
    "a trace": "4bf92f3577b34da6a3ce929d0e0e4736",
    "the id of an account": ACCOUNT,
    "a part of the secret": TOKEN[:7],
}


TWILIO = {**SMS, "apiKey": ACCOUNT}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        *((call, IDS["32 random bytes"]) for call in CHANGES),
        *(("toggleIntegration", text) for text in IDS.values() if text != IDS["32 random bytes"]),
    ],
)
@pytest.mark.parametrize("body", [TWILIO, PUSH], ids=["SMS", "PUSH"])
def test_any_other_id_is_taken_and_recorded(
    set_up: Callable[..., Setting], call: str, body: Mapping[str, str], text: str
) -> None:
    headers = {"Idempotency-Key": text, "X-Request-Id": text}

    answer = CALLS[call](set_up(body), {"headers": headers})

    assert answer.is_success, answer.text
    assert answer.headers["X-Request-Id"] == text
