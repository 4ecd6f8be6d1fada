"""Requests to providers: the header that each wants, and the one repeat after a 401."""

import json
from collections.abc import Callable, Iterator
from traceback import TracebackException
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from integrations_client import (
    CredentialsError,
    IntegrationInactiveError,
    Lease,
    UnknownProviderError,
)
from integrations_client.google import SCOPE, TOKEN_URL
from integrations_client.held import HeldLeases
from integrations_client.keys import from_base64url
from integrations_client.opening import Target
from integrations_client.schemes import SCHEMES, provider_headers
from integrations_client.term import Term

from app.providers.provider_file import HttpCheck
from app.providers.registry import load_providers
from clients.python.tests.conftest import Workspace

SECRET = "SG.a-key-that-nobody-may-see"  # noqa: S105 — of no provider
NEXT = "SG.the-next-key-of-all"
URL = httpx.URL("https://provider.example/v1/send?x=1")


def lease_of(**content: object) -> Lease:
    return Lease("int_1", 1, {"apiKey": 1}, content, Term(60))


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        ({"type": "SENDGRID"}, {"Authorization": "Bearer key"}),
        (
            {"type": "SENDGRID", "settings": {"onBehalfOf": "sub"}},
            {"Authorization": "Bearer key", "On-Behalf-Of": "sub"},
        ),
        ({"type": "ELASTIC_EMAIL"}, {"X-ElasticEmail-ApiKey": "key"}),
        ({"type": "TWILIO"}, {"Authorization": "Basic a2V5OnPDqWNyZXQ="}),
        ({"type": "NEXMO"}, {"Authorization": "Basic a2V5OnPDqWNyZXQ="}),
    ],
)
def test_each_provider_gets_its_header(content: dict[str, Any], headers: dict[str, str]) -> None:
    lease = lease_of(apiKey="key", apiSecret="sécret", **content)

    assert provider_headers(lease, URL) == headers


def test_the_schemes_are_those_of_the_provider_files() -> None:
    kinds = {"bearer": "bearer", "basic": "basic", "header": "elastic_email"}
    for type_, provider in load_providers().items():
        if isinstance(provider.check, HttpCheck) and type_ != "FIREBASE_FCM":
            kind = str(provider.check.auth.__struct_config__.tag)
            assert SCHEMES[type_].__name__ == kinds[kind], type_
        else:
            assert type_ in ("WEB_PUSH", "FIREBASE_FCM")


def test_web_push_gets_a_signed_token() -> None:
    private = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
    public = (
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
    )
    settings = {"contact": "mailto:push@example.com"}
    lease = lease_of(
        type="WEB_PUSH", vapidPublicKey=public, vapidPrivateKey=private, settings=settings
    )

    header = provider_headers(lease, URL)["Authorization"]

    token, key = header.removeprefix("vapid t=").split(", k=")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(key))
    claims = jwt.decode(token, point, algorithms=["ES256"], audience="https://provider.example")
    assert claims["sub"] == "mailto:push@example.com"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"type": "SENDGRID"}, CredentialsError),
        ({"type": "TWILIO", "apiKey": "key"}, CredentialsError),
        ({"type": "WEB_PUSH", "vapidPrivateKey": "x"}, CredentialsError),
        ({"type": "MINE", "apiKey": "key"}, UnknownProviderError),
    ],
)
def test_what_cannot_be_signed_says_why(content: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        provider_headers(lease_of(**content), URL)


class Provider:
    """A stand-in of a provider that accepts one key; it cannot be asked for real."""

    def __init__(self, accepts: str) -> None:
        self.accepts = accepts
        self.bodies: list[bytes] = []
        self.on_refusal: Callable[[], None] = lambda: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        if request.headers["authorization"] == f"Bearer {self.accepts}":
            return httpx.Response(202)
        self.on_refusal()
        return httpx.Response(401)


@pytest.fixture
def integration(workspace: Workspace) -> str:
    return workspace.create()


def pieces() -> Iterator[bytes]:
    yield b"a "
    yield b"mail"


def test_a_rotation_behind_the_worker_s_back_costs_one_repeat(
    workspace: Workspace, integration: str
) -> None:
    provider = Provider(SECRET)
    with (
        workspace.client() as client,
        httpx.Client(transport=httpx.MockTransport(provider)) as http,
    ):
        auth = client.auth(integration)
        assert http.post(URL, auth=auth).status_code == 202
        provider.accepts = NEXT
        workspace.rotate(integration, NEXT)
        provider.bodies.clear()

        assert http.post(URL, auth=auth, content=pieces()).status_code == 202

        assert provider.bodies == [b"a mail", b"a mail"]
        assert client.lease(integration).credentials == {"apiKey": 2}


async def test_the_same_with_asyncio(workspace: Workspace, integration: str) -> None:
    provider = Provider(SECRET)
    async with (
        workspace.async_client() as client,
        httpx.AsyncClient(transport=httpx.MockTransport(provider)) as http,
    ):
        auth = client.auth(integration)
        assert (await http.post(URL, auth=auth)).status_code == 202
        provider.accepts = NEXT
        workspace.rotate(integration, NEXT)
        provider.bodies.clear()

        assert (await http.post(URL, auth=auth, content=b"a mail")).status_code == 202
        assert provider.bodies == [b"a mail", b"a mail"]


def test_a_key_that_stays_wrong_is_tried_twice(workspace: Workspace, integration: str) -> None:
    provider = Provider("another")
    with (
        workspace.client() as client,
        httpx.Client(transport=httpx.MockTransport(provider)) as http,
    ):
        assert http.post(URL, auth=client.auth(integration)).status_code == 401

    assert len(provider.bodies) == 2


def test_what_was_switched_off_meanwhile_is_not_repeated(
    workspace: Workspace, integration: str
) -> None:
    provider = Provider("another")
    provider.on_refusal = lambda: workspace.toggle(integration, is_active=False)
    with (
        workspace.client() as client,
        httpx.Client(transport=httpx.MockTransport(provider)) as http,
        pytest.raises(IntegrationInactiveError),
    ):
        http.post(URL, auth=client.auth(integration))

    assert len(provider.bodies) == 1


async def test_the_wrong_kind_of_client_says_which_to_use(workspace: Workspace) -> None:
    request = httpx.Request("POST", URL)
    with workspace.client() as client, pytest.raises(TypeError, match="AsyncIntegrations"):
        await anext(client.auth("int_1").async_auth_flow(request))
    async with workspace.async_client() as client:
        with pytest.raises(TypeError, match="use Integrations"):
            next(client.auth("int_1").sync_auth_flow(request))


def test_only_the_lease_that_failed_is_dropped() -> None:
    held = HeldLeases()
    target: Target = ("integration", "int_1")
    old, new = lease_of(type="SENDGRID"), lease_of(type="SENDGRID")
    held.put(target, old, 0)
    held.put(target, new, 0)

    held.drop(target, old)

    assert held.get(target) is new


# ----- Google -----
KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ACCOUNT = {"type": "service_account", "client_email": "a@example.com", "private_key": PEM}


class Google:
    """A stand-in of Google: an access token for a service account, and FCM."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.asked: list[dict[str, Any]] = []
        self.sent: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url != TOKEN_URL:
            self.sent.append(request.headers["authorization"])
            return httpx.Response(200)
        if self.refuses:
            return httpx.Response(400, json={"error": "invalid_grant"})
        [assertion] = parse_qs(request.content.decode())["assertion"]
        public = KEY.public_key()
        self.asked.append(jwt.decode(assertion, public, algorithms=["RS256"], audience=TOKEN_URL))
        return httpx.Response(200, json={"access_token": "ya29", "expires_in": 3599})


@pytest.fixture
def push(workspace: Workspace) -> str:
    key = json.dumps(ACCOUNT | {"project_id": "example"})
    return workspace.create(
        type="FIREBASE_FCM", channel="PUSH", senderEmail=None, apiKey=key, settings=None
    )


def test_fcm_gets_an_access_token_once(workspace: Workspace, push: str) -> None:
    google = Google()
    with (
        workspace.client() as client,
        httpx.Client(transport=httpx.MockTransport(google)) as http,
    ):
        auth = client.auth(push)
        for _ in range(3):
            http.post("https://fcm.googleapis.com/v1/projects/example/messages:send", auth=auth)

    assert google.sent == ["Bearer ya29"] * 3
    assert [(claims["iss"], claims["scope"]) for claims in google.asked] == [
        ("a@example.com", SCOPE)
    ]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (json.dumps(ACCOUNT), "invalid_grant"),
        (json.dumps({**ACCOUNT, "private_key": "x"}), "service account"),
        ("AAAA:legacy", "service account"),
        (None, "no apiKey"),
    ],
)
def test_a_service_account_that_cannot_be_used_says_why(
    workspace: Workspace, key: str | None, message: str
) -> None:
    lease = lease_of(type="FIREBASE_FCM", apiKey=key)
    with (
        workspace.client() as client,
        httpx.Client(transport=httpx.MockTransport(Google(refuses=True))) as http,
    ):
        client.held.put(("integration", "int_1"), lease, 0)
        with pytest.raises(CredentialsError, match=message) as raised:
            http.post("https://fcm.googleapis.com", auth=client.auth("int_1"))
    # What a crash report may hold: the local variables of our functions.
    for frame in TracebackException.from_exception(raised.value, capture_locals=True).stack:
        if "integrations_client" in frame.filename:
            assert ACCOUNT["private_key"][40:60] not in str(frame.locals)
            assert "client_email" not in str(frame.locals)
