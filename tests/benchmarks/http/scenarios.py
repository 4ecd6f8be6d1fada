"""The scenarios: each is a name and the requests that it sends; add a line to add one."""

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle, islice
from typing import TypeVar

import msgspec
from msgspec import Struct

PATH = "/en/api/integration"
SEPARATOR = b"\x1e"
# The document's example, with a key of the true length and with no meaning.
NEW_INTEGRATION = msgspec.json.encode(
    {
        "name": "SendGrid Production",
        "type": "SENDGRID",
        "channel": "EMAIL",
        "apiKey": f"SG.{'a' * 22}.{'b' * 43}",
        "senderEmail": "noreply@example.com",
        "senderName": "Example Brand",
    }
)
ON_OFF = {active: msgspec.json.encode({"isActive": active}) for active in (True, False)}
T = TypeVar("T")


class Request(Struct, frozen=True):
    """One request, and the status of its response."""

    method: str
    path: str
    token: str
    body: bytes = b""
    status: int = 200

    def headers(self) -> dict[str, str]:
        """Return the headers."""
        headers = {"Host": "benchmark", "Authorization": f"Bearer {self.token}"}
        if self.body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        return headers

    def bytes(self) -> bytes:
        """Return it as it is sent (HTTP/1.1)."""
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers().items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Workspace(Struct, frozen=True):
    """A workspace to read in, by its token, and the ids of its integrations."""

    token: str
    ids: Sequence[str]


class SeedData(Struct, frozen=True):
    """The data of one server: workspaces to read, and tokens of other workspaces to write to.

    Writing elsewhere keeps the lists that are read at their length.
    """

    workspaces: Sequence[Workspace]
    writers: Sequence[str]


class Scenario(Struct, frozen=True):
    """One kind of load; `floor` is the least ratio to the peer's requests/s, if any.

    The requests are sent in their order, and then again from the first.
    """

    name: str
    floor: float | None
    requests: Callable[[SeedData], Sequence[Request]]


def get_one(data: SeedData) -> Sequence[Request]:
    """Get each integration of each workspace."""
    return shuffled(
        Request("GET", f"{PATH}/{integration}", workspace.token)
        for workspace in data.workspaces
        for integration in workspace.ids
    )


def list_all(data: SeedData) -> Sequence[Request]:
    """List each workspace."""
    return shuffled(Request("GET", PATH, workspace.token) for workspace in data.workspaces)


def create(data: SeedData) -> Sequence[Request]:
    """Create an integration with one secret in each workspace for writing."""
    return shuffled(map(create_request, data.writers))


def create_request(token: str) -> Request:
    """Return the request that creates an integration in the workspace of *token*."""
    return Request("POST", PATH, token, NEW_INTEGRATION, 201)


def toggle(data: SeedData) -> Sequence[Request]:
    """Switch each integration off, then each on: every request changes something."""
    return toggle_requests(
        (workspace.token, integration)
        for workspace in data.workspaces
        for integration in workspace.ids
    )


def mix(data: SeedData) -> Sequence[Request]:
    """Of 20 requests get 14 times, list 4 times, create once and toggle once.

    One integration of each workspace is toggled.
    """
    gets, lists, creations = (cycle(each(data)) for each in (get_one, list_all, create))
    toggles = toggle_requests((workspace.token, workspace.ids[0]) for workspace in data.workspaces)
    return [
        request
        for toggling in toggles
        for request in shuffled([*islice(gets, 14), *islice(lists, 4), next(creations), toggling])
    ]


def toggle_requests(integrations: Iterable[tuple[str, str]]) -> Sequence[Request]:
    """Return requests that switch all *integrations* (token, id) off, and then all on."""
    order = shuffled(integrations)
    return [
        Request("POST", f"{PATH}/{integration}/toggle", token, ON_OFF[active])
        for active in (False, True)
        for token, integration in order
    ]


def shuffled(things: Iterable[T]) -> Sequence[T]:
    """Return *things* in an order that is random and always the same."""
    every = [*things]
    return random.Random(0).sample(every, len(every))  # noqa: S311 — no secret


# The floors hold at 32 connections; with one, the latency of the machine counts as well.
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("get", 6, get_one),
        Scenario("list", 5.5, list_all),
        Scenario("create", 4, create),
        Scenario("toggle", 4, toggle),
        Scenario("mix", None, mix),
    )
}
