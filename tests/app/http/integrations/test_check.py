"""POST …/check over real HTTP: outcome, event, history, and nothing of the provider's response."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx2
import psycopg
import pytest

from app.database.database import open_database
from app.settings import read_settings
from tests.support.waiting import wait_until

Service = Any  # that of tests/conftest.py, which cannot be imported
Problem = Callable[..., dict[str, Any]]
PATH = "/en/api/integration"
IN_PROGRESS = "integrations_http_requests_in_progress"
SENDGRID = {
    "name": "n",
    "type": "SENDGRID",
    "channel": "EMAIL",
    "apiKey": "SG." + "k" * 22 + "." + "y" * 43,
}
TWILIO = {
    "name": "t",
    "type": "TWILIO",
    "channel": "SMS",
    "apiKey": "AC" + "0" * 32,
    "apiSecret": "5ec2e7" + "1" * 26,
}
TWILIO_REFUSES = {"code": 20003, "message": "Authenticate", "status": 401}
CANARY = "canary-of-the-provider-61d0c1"


class Provider(ThreadingHTTPServer):
    """Any provider: it gives every request the same answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.content = 200, b""
        self.asked = 0
        self.refusals = 0  # of the next requests, before the answer
        self.paths: list[str] = []
        self.held = ""  # waits for `release`: a request with this in its credentials
        self.release = threading.Event()
        self.release.set()

    def say(self, status: int, content: object) -> None:
        self.status, self.content = status, json.dumps(content).encode()

    def wait_until_asked(self, times: int) -> None:
        deadline = time.monotonic() + 60
        while self.asked < times:
            assert time.monotonic() < deadline
            time.sleep(0.005)


class Handler(BaseHTTPRequestHandler):
    server: Provider  # pyright: ignore[reportIncompatibleVariableOverride] — it serves no other

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.server.held in self.headers["Authorization"]:
            self.server.release.wait(10)
        self.server.paths.append(self.path)
        if self.server.refusals > 0:
            self.server.refusals -= 1
            self.send_response(401)
            self.end_headers()
            self.wfile.write(json.dumps(TWILIO_REFUSES).encode())
            return
        self.send_response(self.server.status)
        self.send_header("X-Canary", CANARY)
        self.send_header("Set-Cookie", CANARY)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name there
        """Stay silent."""


@pytest.fixture(scope="module")
def any_provider() -> Iterator[Provider]:
    with Provider() as provider:
        thread = threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield provider
        provider.shutdown()
        thread.join()


@pytest.fixture
def provider(any_provider: Provider) -> Provider:
    any_provider.asked, any_provider.refusals, any_provider.held = 0, 0, ""
    any_provider.paths.clear()
    any_provider.say(200, {"scopes": ["mail.send"]})
    return any_provider


@pytest.fixture(scope="module")
def checking_service(
    start_service: Callable[..., AbstractContextManager[Service]],
    own_data_dir: Path,
    any_provider: Provider,
) -> Iterator[Service]:
    """A service of its own, with its own database, that asks `provider` in place of all."""
    url = f"http://127.0.0.1:{any_provider.server_port}"
    with start_service(
        own_data_dir, provider_urls=f"SENDGRID={url},TWILIO={url}", log_level="DEBUG"
    ) as service:
        yield service


@pytest.fixture(scope="module")
def own_data_dir() -> Iterator[Path]:
    """A data directory that the account of PostgreSQL can enter."""
    with TemporaryDirectory(prefix="integrations-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def client(checking_service: Service, workspace: str) -> Iterator[httpx2.Client]:
    with checking_service.caller(workspace) as client:
        yield client


def created(client: httpx2.Client, body: Mapping[str, Any]) -> str:
    answer = client.post(PATH, json=dict(body))
    assert answer.status_code == 201, answer.text
    return answer.json()["result"]["data"]["id"]


def test_a_check_returns_the_verdict_of_the_provider(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)

    answer = client.post(f"{PATH}/{id_}/check")

    result = answer.json()["result"]
    assert (answer.status_code, list(result)) == (200, ["data", "message", "status"])
    assert (result["message"], result["status"]) == ("Check completed", 200)
    assert list(result["data"]) == ["outcome", "detail", "checkedAt", "latencyMs", "region"]
    assert (result["data"]["outcome"], result["data"]["region"]) == ("ok", "GLOBAL")
    assert result["data"]["detail"] == "The provider accepts the credentials"
    assert provider.asked == 1


def test_a_check_is_recorded_and_changes_nothing_else(
    client: httpx2.Client, provider: Provider
) -> None:
    provider.say(401, {"errors": [{"message": "authorization required"}]})
    id_ = created(client, SENDGRID)
    before = client.get(f"{PATH}/{id_}").json()["result"]["data"]

    client.post(f"{PATH}/{id_}/check")

    assert client.get(f"{PATH}/{id_}").json()["result"]["data"] == before
    entry = client.get(f"{PATH}/{id_}/history").json()["result"]["data"][0]
    assert entry["action"] == "CREDENTIALS_CHECKED"
    assert entry["details"]["outcome"] == "invalid"
    assert entry["details"]["detail"] == "The provider refuses the credentials"
    assert isinstance(entry["details"]["latencyMs"], int)
    assert "region" not in entry["details"]


def test_the_region_that_knows_the_key_is_recorded(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)

    client.post(f"{PATH}/{id_}/check")

    entry = client.get(f"{PATH}/{id_}/history").json()["result"]["data"][0]
    assert entry["details"]["region"] == "GLOBAL"
    assert provider.asked == 1


def test_the_detail_is_translated_and_stored_in_english(
    client: httpx2.Client, provider: Provider
) -> None:
    provider.say(503, {})
    id_ = created(client, SENDGRID)

    answer = client.post(f"/de/api/integration/{id_}/check")

    data = answer.json()["result"]["data"]
    assert data["detail"] == "Der Anbieter hat selbst eine Störung (Status 503)"
    assert answer.headers["content-language"] == "de"
    entry = client.get(f"{PATH}/{id_}/history").json()["result"]["data"][0]
    assert entry["details"]["detail"] == "The provider has a failure of its own (status 503)"


def test_missing_credentials_are_named_and_not_blamed(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, {**TWILIO, "apiKey": None, "apiSecret": None})

    data = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]

    assert data["outcome"] == "inconclusive"
    assert data["detail"] == "This is missing: apiKey, apiSecret"
    assert provider.asked == 0


def test_the_newest_credentials_are_checked(client: httpx2.Client, provider: Provider) -> None:
    id_ = created(client, {**SENDGRID, "apiKey": None})
    client.put(f"{PATH}/{id_}/credentials", json={"apiKey": SENDGRID["apiKey"]})

    assert client.post(f"{PATH}/{id_}/check").json()["result"]["data"]["outcome"] == "ok"
    assert provider.asked == 1


def test_a_vapid_pair_is_checked_with_its_public_key(client: httpx2.Client) -> None:
    pair = {
        "vapidPublicKey": "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIg"
        "Dll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
        "vapidPrivateKey": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
    }
    id_ = created(client, {"name": "w", "type": "WEB_PUSH", "channel": "PUSH", **pair})

    data = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]

    assert (data["outcome"], data["detail"]) == ("ok", "The two VAPID keys belong together")


def test_a_repeated_request_gets_the_first_response_without_a_check(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)
    key = {"Idempotency-Key": "check-once"}

    first = client.post(f"{PATH}/{id_}/check", headers=key)
    provider.say(401, {"errors": []})
    again = client.post(f"{PATH}/{id_}/check", headers=key)

    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert provider.asked == 1


def test_a_change_during_a_check_does_not_repeat_the_check(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)
    provider.release.clear()
    answers: list[httpx2.Response] = []
    check = threading.Thread(
        target=lambda: answers.append(client.post(f"{PATH}/{id_}/check")), daemon=True
    )
    check.start()
    provider.wait_until_asked(1)
    client.post(f"{PATH}/{id_}/toggle", json={"isActive": False})
    provider.release.set()
    check.join(10)

    assert answers[0].json()["result"]["data"]["outcome"] == "ok"
    assert provider.asked == 1
    actions = [e["action"] for e in client.get(f"{PATH}/{id_}/history").json()["result"]["data"]]
    assert actions == ["CREDENTIALS_CHECKED", "INTEGRATION_DISABLED", "INTEGRATION_ADDED"]


CHANGED = {
    "settings": ("PATCH", "", {"settings": {"region": "GLOBAL"}}),
    "a key": ("PUT", "/credentials", {"apiKey": SENDGRID["apiKey"].replace("k", "j")}),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_check_of_what_is_not_stored_any_more_is_repeated(
    client: httpx2.Client, provider: Provider, what: str
) -> None:
    method, place, change = CHANGED[what]
    id_ = created(client, SENDGRID | {"settings": {"region": "EU"}})
    provider.release.clear()
    answers: list[httpx2.Response] = []

    def check() -> None:
        answers.append(client.post(f"{PATH}/{id_}/check"))

    threads = [threading.Thread(target=check, daemon=True) for _ in range(2)]
    threads[0].start()
    provider.wait_until_asked(1)
    assert client.request(method, f"{PATH}/{id_}{place}", json=change).status_code == 200
    threads[1].start()
    provider.wait_until_asked(2)  # the second does not join the first
    provider.release.set()
    for thread in threads:
        thread.join(60)

    region = "GLOBAL" if what == "settings" else "EU"
    assert [each.json()["result"]["data"]["region"] for each in answers] == [region] * 2


def test_a_viewer_may_not_check(
    checking_service: Service, client: httpx2.Client, workspace: str, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)

    with checking_service.caller(workspace, role="VIEWER") as viewer:
        answer = viewer.post(f"{PATH}/{id_}/check")

    assert (answer.status_code, provider.asked) == (403, 0)


def test_an_integration_of_another_workspace_is_not_found(
    checking_service: Service, client: httpx2.Client, provider: Provider, problem: Problem
) -> None:
    with checking_service.caller("another-workspace") as other:
        foreign = created(other, SENDGRID)
    deleted = created(client, SENDGRID)
    client.delete(f"{PATH}/{deleted}")

    for id_ in (foreign, deleted, "int_00000000000000000000000000", "no-id"):
        problem(client.post(f"{PATH}/{id_}/check"), 404, "NOT_FOUND")
    assert provider.asked == 0


def test_credentials_that_cannot_be_unsealed_are_inconclusive_and_logged(
    checking_service: Service, client: httpx2.Client, workspace: str, provider: Provider
) -> None:
    first, second = created(client, SENDGRID), created(client, SENDGRID)
    with psycopg.connect(embedded_dsn(checking_service)) as admin:
        admin.execute(  # what a thief of the database could do: another's row in its place
            "UPDATE integrations.secret_store mine SET ciphertext = theirs.ciphertext,"
            " nonce = theirs.nonce, wrapped_key = theirs.wrapped_key"
            " FROM integrations.secret_store theirs"
            " WHERE mine.stream = %s AND theirs.stream = %s",
            (first, second),
        )
        admin.execute("DELETE FROM integrations.secret_store WHERE stream = %s", (second,))

    found = [client.post(f"{PATH}/{id_}/check") for id_ in (first, second)]

    assert [answer.json()["result"]["data"]["outcome"] for answer in found] == ["inconclusive"] * 2
    assert provider.asked == 0
    log = checking_service.log_file.read_text()
    for id_ in (first, second):
        assert f"apiKey (version 1) of integration {id_} in workspace {workspace}" in log


def embedded_dsn(service: Service) -> str:
    with open_database(read_settings(service.environment)) as dsn:
        return dsn


def test_neither_key_nor_provider_response_is_stored(
    checking_service: Service, client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, TWILIO)
    secret = TWILIO["apiSecret"]
    full = {"auth_token": secret, "friendly_name": CANARY, "sid": CANARY}
    shown: list[str] = []
    for status, content in (
        (200, {**full, "status": "active"}),
        (200, {**full, "status": CANARY}),
        (401, {"code": 20003, "message": CANARY, "more_info": secret}),
        (500, full),
        (302, CANARY),
    ):
        provider.say(status, content)
        answer = client.post(f"{PATH}/{id_}/check", headers={"Idempotency-Key": f"c{status}"})
        shown.append(answer.text + str(answer.headers))
    shown.append(client.get(f"{PATH}/{id_}/history").text)
    with psycopg.connect(embedded_dsn(checking_service), autocommit=True) as admin:
        admin.execute("CHECKPOINT")

    kept = [
        file.read_bytes()
        for file in Path(checking_service.environment["INTEGRATIONS_DATA_DIR"]).rglob("*")
        if file.is_file()
    ]

    assert any(id_.encode() in content for content in kept)  # the search finds what is there
    # The second under the key c200 is a replay; after each of the others, two more regions.
    assert provider.asked == 10
    for canary in (CANARY, secret):
        forms = (
            canary,
            base64.b64encode(canary.encode()).decode().rstrip("="),
            canary.encode().hex(),
        )
        for form in forms:
            assert form not in "".join(shown)
            assert not any(form.encode() in content for content in kept)


def requests_in_progress(client: httpx2.Client) -> float:
    """Return how many requests the service says that it is processing."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(IN_PROGRESS))


def test_a_check_under_way_is_shared_and_recorded_once(
    client: httpx2.Client, provider: Provider
) -> None:
    id_ = created(client, SENDGRID)
    provider.release.clear()
    answers: list[httpx2.Response] = []

    def check(number: int) -> None:
        headers = {"Idempotency-Key": str(UUID(int=number))} if number % 2 else {}
        answers.append(client.post(f"{PATH}/{id_}/check", headers=headers))

    threads = [threading.Thread(target=check, args=(n,), daemon=True) for n in range(20)]
    for thread in threads:
        thread.start()
    provider.wait_until_asked(1)
    wait_until(lambda: requests_in_progress(client) >= len(threads))
    for _ in range(50):  # those that are in progress come to where they wait
        client.get(f"{PATH}/{id_}")
    elapsed = client.get(f"{PATH}/{id_}").elapsed.total_seconds()
    provider.release.set()
    for thread in threads:
        thread.join(60)

    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({json.dumps(answer.json()["result"]["data"]) for answer in answers}) == 1
    assert provider.asked == 1
    assert elapsed < 10  # it does not wait for the check, which waits for the provider
    actions = [e["action"] for e in client.get(f"{PATH}/{id_}/history").json()["result"]["data"]]
    assert actions == ["CREDENTIALS_CHECKED", "INTEGRATION_ADDED"]
    again = client.post(f"{PATH}/{id_}/check", headers={"Idempotency-Key": str(UUID(int=1))})
    assert again.headers["idempotency-replayed"] == "true"


def test_more_checks_at_once_than_a_workspace_may_have_are_429(
    checking_service: Service, client: httpx2.Client, provider: Provider, problem: Problem
) -> None:
    ids = [created(client, SENDGRID) for _ in range(5)]
    provider.release.clear()
    threads = [
        threading.Thread(target=client.post, args=(f"{PATH}/{id_}/check",), daemon=True)
        for id_ in ids[:4]
    ]
    for thread in threads:
        thread.start()
    provider.wait_until_asked(4)

    refused = client.post(f"{PATH}/{ids[4]}/check")
    with checking_service.caller("workspace-with-room") as other:
        id_ = created(other, SENDGRID)
        threads.append(threading.Thread(target=other.post, args=(f"{PATH}/{id_}/check",)))
        threads[-1].start()
        provider.wait_until_asked(5)
        provider.release.set()
        for thread in threads:
            thread.join(60)

    problem(refused, 429, "TOO_MANY_REQUESTS")
    assert refused.headers["retry-after"] == "1"
    assert client.post(f"{PATH}/{ids[4]}/check").status_code == 200


def test_s5_a_workspace_whose_checks_all_hang_does_not_hold_up_another(
    checking_service: Service, client: httpx2.Client, provider: Provider, problem: Problem
) -> None:
    provider.held = "a" * 22  # its keys; those of the others are answered at once
    hanging = [
        created(client, SENDGRID | {"apiKey": f"SG.{'a' * 22}.{n}" + "b" * 42}) for n in range(5)
    ]
    provider.release.clear()
    ended: list[httpx2.Response] = []

    def check(id_: str) -> None:
        ended.append(client.post(f"{PATH}/{id_}/check"))

    threads = [threading.Thread(target=check, args=(id_,), daemon=True) for id_ in hanging[:4]]
    for thread in threads:
        thread.start()
    provider.wait_until_asked(4)
    problem(client.post(f"{PATH}/{hanging[4]}/check"), 429, "TOO_MANY_REQUESTS")

    for number in range(6):
        with checking_service.caller(f"neighbour-{number}") as other:
            answer = other.post(f"{PATH}/{created(other, SENDGRID)}/check")
        assert answer.json()["result"]["data"]["outcome"] == "ok"
        assert answer.elapsed.total_seconds() < 2

    still_hanging = not ended
    provider.release.set()
    for thread in threads:
        thread.join(60)
    assert still_hanging
    assert [answer.status_code for answer in ended] == [200] * 4


def test_s5_a_workspace_at_its_limit_learns_nothing_of_any_key(
    checking_service: Service, provider: Provider, problem: Problem
) -> None:
    with checking_service.caller("workspace-in-haste") as client:
        id_ = created(client, SENDGRID)
        others = [created(client, SENDGRID | {"apiKey": key}) for key in (None, "SG.x", "a b")]
        answers = [client.post(f"{PATH}/{id_}/check") for _ in range(60)]
        refused = [client.post(f"{PATH}/{one}/check") for one in (id_, *others)]
        client.put(f"{PATH}/{id_}/credentials", json={"apiKey": "SG.new"})
        refused.append(client.post(f"{PATH}/{id_}/check"))
        problem(client.post(f"{PATH}/int_{'0' * 26}/check"), 404, "NOT_FOUND")
        history = client.get(f"{PATH}/{id_}/history").json()["result"]["totalCount"]
    with checking_service.caller("workspace-at-rest") as other:
        answer = other.post(f"{PATH}/{created(other, SENDGRID)}/check")

    assert [answer.status_code for answer in answers] == [200] * 60
    assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in refused)
    for each in refused:
        problem(each, 429, "TOO_MANY_REQUESTS")
    assert len({each.json()["result"]["message"] for each in refused}) == 1
    assert history == 62  # creation, the checks, the new key
    assert (answer.json()["result"]["data"]["outcome"], provider.asked) == ("ok", 61)


# ----- API keys and regions -----
ACCOUNT = "AC" + "0" * 32
API_KEY = TWILIO | {"apiKey": "SK" + "2" * 32, "apiSecret": "aB3" * 10 + "xy"}
NUMBERS = {"incoming_phone_numbers": [{"phone_number": CANARY}]}
NUMBERS_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json?PageSize=1"


@pytest.mark.parametrize("region", ["US1", "IE1", "AU1"])
def test_an_api_key_works_in_the_region_of_its_settings(
    client: httpx2.Client, provider: Provider, region: str
) -> None:
    provider.say(200, NUMBERS)
    id_ = created(client, API_KEY | {"settings": {"accountSid": ACCOUNT, "region": region}})

    answer = client.post(f"{PATH}/{id_}/check")

    data = answer.json()["result"]["data"]
    assert (data["outcome"], data["region"]) == ("ok", region)
    assert provider.paths == [NUMBERS_PATH]
    assert CANARY not in answer.text + client.get(f"{PATH}/{id_}/history").text


@pytest.mark.parametrize(("refusals", "region"), [(0, "US1"), (1, "IE1"), (2, "AU1")])
def test_without_a_region_all_are_asked_until_one_accepts_the_key(
    client: httpx2.Client, provider: Provider, refusals: int, region: str
) -> None:
    provider.say(200, NUMBERS)
    provider.refusals = refusals
    id_ = created(client, API_KEY | {"settings": {"accountSid": ACCOUNT}})

    data = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]

    assert (data["outcome"], data["region"], provider.asked) == ("ok", region, refusals + 1)


def test_an_api_key_without_its_account_is_said_to_lack_it_until_it_is_set(
    client: httpx2.Client, provider: Provider
) -> None:
    provider.say(200, NUMBERS)
    id_ = created(client, API_KEY)

    lacking = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]
    asked = provider.asked
    client.patch(f"{PATH}/{id_}", json={"settings": {"accountSid": ACCOUNT, "region": "AU1"}})
    complete = client.post(f"{PATH}/{id_}/check").json()["result"]["data"]

    assert (lacking["outcome"], lacking["detail"], asked) == (
        "inconclusive",
        "This is missing: settings.accountSid",
        0,
    )
    assert (complete["outcome"], complete["region"], provider.asked) == ("ok", "AU1", 1)
