"""The ledger: what clients asked, under which keys, and what came back."""

from collections import Counter
from typing import Any, Literal

from msgspec import Struct, field

Operation = Literal["create", "toggle", "rename", "credentials", "delete"]
Outcome = Literal["acknowledged", "refused", "unknown"]


class RecordedRequest(Struct):
    """One thing that a client asked for, once or, under its key, again and again.

    Each attempt has a request id of its own, which the log keeps. `status`, `version` and `body`
    are those of the answer that settled it; `wanted` is the name or the state that was asked for.
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
        """Keep the answer that says whether it was done."""
        self.outcome = "acknowledged" if status < 300 else "refused"
        self.status, self.version, self.body = status, version, body


class RequestLedger:
    """All that was asked, and what was heard that should not have been."""

    def __init__(self) -> None:
        self.requests: list[RecordedRequest] = []
        self.statuses: Counter[str] = Counter()
        """How often each status was answered, and each kind of failure without an answer."""
        self.violations: list[tuple[str, str]] = []
        """Name of an invariant that an answer broke, and how."""
        self.answered: set[str] = set()
        """The ids of all requests, reads too, that were answered with whatever status."""
        self.acknowledged = 0
        self.slowest_response = 0.0  # seconds
        self.longest_gap = 0.0  # seconds without an acknowledged write
        self.last_acknowledged = 0.0

    def report(self, invariant: str, detail: str) -> None:
        """Keep that *invariant* was broken."""
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
