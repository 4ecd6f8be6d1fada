"""What is measured: a scenario is a name and the requests that it sends; add a line to add one."""

from collections.abc import Callable, Iterator, Sequence

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


class Request(Struct, frozen=True):
    """One request, and the status that it must be answered with."""

    method: str
    path: str
    token: str
    body: bytes = b""
    status: int = 200

    def head(self) -> dict[str, str]:
        """Return the headers."""
        head = {"Host": "benchmark", "Authorization": f"Bearer {self.token}"}
        if self.body:
            head |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        return head

    def bytes(self) -> bytes:
        """Return it as it is sent (HTTP/1.1)."""
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.head().items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Workspace(Struct, frozen=True):
    """A workspace to read in, by its token, and the ids of its integrations."""

    token: str
    ids: Sequence[str]


class Filled(Struct, frozen=True):
    """What one contestant holds: workspaces to read, and tokens of others to write to.

    Writing elsewhere keeps the lists that are read at their length.
    """

    workspaces: Sequence[Workspace]
    writers: Sequence[str]


class Scenario(Struct, frozen=True):
    """One kind of load; `floor` is what our requests/s over the peer's must reach."""

    name: str
    floor: float
    requests: Callable[[Filled], Iterator[Request]]


def get_one(filled: Filled) -> Iterator[Request]:
    """Get each integration of each workspace."""
    for workspace in filled.workspaces:
        for integration in workspace.ids:
            yield Request("GET", f"{PATH}/{integration}", workspace.token)


def list_all(filled: Filled) -> Iterator[Request]:
    """List each workspace."""
    for workspace in filled.workspaces:
        yield Request("GET", PATH, workspace.token)


def create(filled: Filled) -> Iterator[Request]:
    """Create an integration with one secret in each workspace for writing."""
    for token in filled.writers:
        yield creation(token)


def creation(token: str) -> Request:
    """Return the request that creates an integration in the workspace of *token*."""
    return Request("POST", PATH, token, NEW_INTEGRATION, 201)


# Floors: issue 2. At 32 connections; with one, the way through the machine counts as well.
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("get", 2.2, get_one),
        Scenario("list", 2.6, list_all),
        Scenario("create", 1.8, create),
    )
}
