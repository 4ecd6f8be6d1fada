"""Every request of ours is valid to the provider's own OpenAPI document.

npm's prism serves ../shared/provider-specs; a proxy in front of it forces answers (`Prefer`) and
keeps what prism says of our requests. It proves form, not behaviour.
"""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from app.providers.check import CredentialChecker
from app.providers.http_client import ProviderClient
from app.providers.provider_file import HttpCheck, ProviderFile
from app.secrets.secret import Secret
from tests.support.prism_proxy import Proxy
from tests.support.serving import serving
from tests.support.waiting import is_listening, wait_until

DOCUMENT = Path(__file__).parents[4] / "shared" / "provider-specs" / "providers.json"
PRISM = "@stoplight/prism-cli@5.14.2"
BASIC = {"Authorization": "Basic YTpi"}
FOLDERS = {  # of each provider in the document
    "SENDGRID": "sendgrid",
    "ELASTIC_EMAIL": "elastic_email",
    "TWILIO": "twilio",
    "NEXMO": "vonage",
    "FIREBASE_FCM": "fcm",
    "POSTMARK": "postmark",
}


@pytest.fixture(scope="session")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port at which prism serves the providers' documents."""
    npm = shutil.which("npm")
    if npm is None or not DOCUMENT.exists():
        pytest.skip("npm or ../shared/provider-specs is not here: nothing to prove requests with")
    folder = tmp_path_factory.mktemp("prism")
    install = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, PRISM]
    if subprocess.run(install, check=False, capture_output=True, timeout=240).returncode:
        pytest.skip("npm cannot install prism: nothing to prove requests with")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = folder / "node_modules" / ".bin" / "prism"
    process = subprocess.Popen(
        [program, "mock", "--host", "127.0.0.1", "--port", str(port), DOCUMENT],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_listening(port))
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def proxy(prism: int) -> Iterator[Proxy]:
    with serving(Proxy(prism)) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def all_providers(
    providers: Mapping[str, ProviderFile], postmark: ProviderFile
) -> dict[str, ProviderFile]:
    return {**providers, postmark.type: postmark}


@pytest.fixture(scope="session")
def all_credentials(credentials: dict[str, dict[str, Secret]]) -> dict[str, dict[str, Secret]]:
    return {**credentials, "POSTMARK": {"apiKey": Secret(b"server-token")}}


@pytest.mark.parametrize(
    ("type_", "prefer", "outcome"),
    [
        ("SENDGRID", "", "ok"),
        ("SENDGRID", "code=401", "inconclusive"),  # who may not view the scopes
        ("SENDGRID", "code=403", "insufficient"),
        ("SENDGRID", "code=404", "inconclusive"),
        ("SENDGRID", "code=500", "inconclusive"),
        ("ELASTIC_EMAIL", "", "ok"),
        ("TWILIO", "", "ok"),
        ("NEXMO", "", "ok"),
        ("NEXMO", "code=401", "invalid"),
        ("FIREBASE_FCM", "", "ok"),
        ("POSTMARK", "", "ok"),
        ("POSTMARK", "code=422", "inconclusive"),
        ("POSTMARK", "code=500", "inconclusive"),
    ],
)
async def test_what_we_ask_is_what_the_provider_has_documented(
    type_: str,
    prefer: str,
    outcome: str,
    proxy: Proxy,
    check_of: Callable[..., Any],
) -> None:
    proxy.prefer = prefer

    checked = await check_of(type_, f"{proxy.url}/{FOLDERS[type_]}")

    assert proxy.violations == []
    assert proxy.asked
    assert checked.verdict.outcome == outcome


ACCOUNT, OWN_KEY = "AC" + "0" * 32, {"apiKey": "SK" + "1" * 32, "apiSecret": "aB3" * 10 + "xy"}
API_KEY = OWN_KEY | {"accountSid": ACCOUNT}
ACCOUNT_PATH = f"GET /twilio/2010-04-01/Accounts/{ACCOUNT}.json"
NUMBERS_PATH = f"GET /twilio/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json?PageSize=1"
SCOPES_PATH = "GET /sendgrid/v3/scopes"


@pytest.mark.parametrize(
    ("type_", "given", "expected"),
    [
        ("TWILIO", API_KEY, (NUMBERS_PATH, "US1")),
        ("TWILIO", API_KEY | {"region": "US1"}, (NUMBERS_PATH, "US1")),
        ("TWILIO", API_KEY | {"region": "IE1"}, (NUMBERS_PATH, "IE1")),
        ("TWILIO", API_KEY | {"region": "AU1"}, (NUMBERS_PATH, "AU1")),
        ("TWILIO", {"region": "IE1"}, (ACCOUNT_PATH, "IE1")),
        ("TWILIO", {"region": "AU1", "accountSid": ACCOUNT}, (ACCOUNT_PATH, "AU1")),
        ("SENDGRID", {"region": "GLOBAL"}, (SCOPES_PATH, "GLOBAL")),
        ("SENDGRID", {"region": "EU"}, (SCOPES_PATH, "EU")),
        ("SENDGRID", {"onBehalfOf": "example-subuser"}, (SCOPES_PATH, "GLOBAL")),
        ("SENDGRID", {"onBehalfOf": "account-id 12", "region": "EU"}, (SCOPES_PATH, "EU")),
    ],
)
async def test_what_follows_the_settings_is_documented_too(
    type_: str,
    given: dict[str, str],
    expected: tuple[str, str],
    proxy: Proxy,
    check_of: Callable[..., Any],
) -> None:
    values = {name: Secret(value.encode()) for name, value in given.items()}

    checked = await check_of(type_, f"{proxy.url}/{FOLDERS[type_]}", values)

    assert proxy.violations == []
    assert checked.verdict.outcome == "ok"
    assert ([expected[0]], expected[1]) == (proxy.asked, checked.verdict.region)
    assert proxy.behalves == [given.get("onBehalfOf")]


def test_every_setting_that_a_request_follows_is_proved(
    all_providers: dict[str, ProviderFile],
) -> None:
    proved = {"TWILIO": {"region", "accountSid"}, "SENDGRID": {"region", "onBehalfOf"}}

    assert {
        type_: {*provider.settings}
        for type_, provider in all_providers.items()
        if provider.settings and isinstance(provider.check, HttpCheck)
    } == proved


async def test_a_forced_refusal_of_the_request_for_numbers_is_no_answer_of_twilio(
    proxy: Proxy, check_of: Callable[..., Any]
) -> None:
    proxy.prefer = "code=401"  # its document has none: prism makes one of its own
    values = {name: Secret(value.encode()) for name, value in API_KEY.items()}

    checked = await check_of("TWILIO", f"{proxy.url}/twilio", values)

    assert proxy.asked == [NUMBERS_PATH] * 3
    assert checked.verdict.outcome == "inconclusive"


@pytest.fixture
def check_of(
    all_providers: dict[str, ProviderFile],
    all_credentials: dict[str, dict[str, Secret]],
    client: ProviderClient,
) -> Callable[..., Any]:
    """Check well-formed credentials of a type at an address."""

    def check(type_: str, url: str, given: dict[str, Secret] | None = None) -> object:
        checker = CredentialChecker(all_providers, client, {type_: url})
        return checker.check(type_, all_credentials[type_] | (given or {}))

    return check


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "/sendgrid/v3/scopes", {}, None),
        ("GET", "/sendgrid/v3/scope", {"Authorization": "Bearer k"}, None),
        ("GET", "/twilio/2010-04-01/Accounts/SK1.json", BASIC, None),
        ("GET", NUMBERS_PATH[4:].replace(ACCOUNT, OWN_KEY["apiKey"]), BASIC, None),
        ("GET", NUMBERS_PATH[4:].replace("=1", "=0"), BASIC, None),
        ("GET", NUMBERS_PATH[4:].replace("=1", "=one"), BASIC, None),
        ("GET", NUMBERS_PATH[4:], {}, None),
        (
            "POST",
            "/fcm/v1/projects/p/messages:send",
            {"Authorization": "Bearer t", "Content-Type": "application/json"},
            b'{"message": {"topic": 7}}',
        ),
    ],
)
async def test_a_request_that_is_not_valid_would_be_found(
    method: str, path: str, headers: dict[str, str], body: bytes | None, proxy: Proxy
) -> None:
    asked = HTTPConnection("127.0.0.1", proxy.server_port, timeout=10)
    try:
        asked.request(method, path, body, headers)
        asked.getresponse().read()
    finally:
        asked.close()

    assert proxy.violations
