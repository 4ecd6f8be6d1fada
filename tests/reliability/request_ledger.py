"""The ledger: the requests of clients, their keys and their responses."""

from collections import Counter
from typing import Any, Literal

from msgspec import Struct, field

Operation = Literal["create", "toggle", "rename", "credentials", "delete"]
Outcome = Literal["acknowledged", "refused", "unknown"]


class RecordedRequest(Struct):
    """One change that a client requests, once or, with a key, repeatedly.

    Each attempt has a request id of its own, which the log keeps. `status`, `version` and `body`
    are those of the final response; `wanted` is the name or the state that was requested.
    """

    number: int
    workspace: str
    operation: Operation
    method: str
    path: str
    json: dict[str, Any] | None
    key: str | None
    wanted: str | bool | None = None
    stream: str | None = None
    request_ids: list[str] = field(default_factory=list[str])
    outcome: Outcome = "unknown"
    status: int | None = None
    version: int | None = None
    body: bytes = b""

    def settle(self, status: int, version: int | None, body: bytes) -> None:
        """Record the final response."""
        self.outcome = "acknowledged" if status < 300 else "refused"
        self.status, self.version, self.body = status, version, body


class RequestLedger:
    """All requests, and the violations that responses showed."""

    def __init__(self) -> None:
        self.requests: list[RecordedRequest] = []
        self.statuses: Counter[str] = Counter()
        """How often each status came, and each kind of failure without a response."""
        self.violations: list[tuple[str, str]] = []
        """The name of an invariant that a response broke, and how."""
        self.answered: set[str] = set()
        """The ids of all requests, reads too, with a response of any status."""
        self.acknowledged = 0
        self.slowest_response = 0.0  # seconds
        self.longest_gap = 0.0  # seconds without an acknowledged write
        self.last_acknowledged = 0.0

    def report(self, invariant: str, detail: str) -> None:
        """Record a violation of *invariant*."""
        self.violations.append((invariant, detail))

    def acknowledge(self, now: float) -> None:
        """Count one more acknowledged write, at *now*."""
        self.acknowledged += 1
        if self.last_acknowledged:
            self.longest_gap = max(self.longest_gap, now - self.last_acknowledged)
        self.last_acknowledged = now

    def of(self, outcome: Outcome) -> list[RecordedRequest]:
        """Return all that ended with *outcome*."""
        return [request for request in self.requests if request.outcome == outcome]
