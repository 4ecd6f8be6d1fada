"""The workload: each request leads to exactly one event."""

import random
from collections import defaultdict
from itertools import count
from typing import Any

from msgspec import Struct

from tests.reliability.request_ledger import Operation, RecordedRequest
from tests.reliability.secret_markers import SecretMarker

PATH = "/en/api/integration"
MIN_INTEGRATIONS = 4  # integrations of a workspace; with fewer, one is created instead
MAX_INTEGRATIONS = 60


class PlannedRequest(Struct, frozen=True):
    """A request to send, and the name or the state that it wants."""

    method: str
    path: str
    json: dict[str, Any] | None = None
    wanted: str | bool | None = None


class Workload:
    """Makes numbered requests for integrations that exist."""

    def __init__(self, marker: SecretMarker) -> None:
        self.marker = marker
        self.numbers = count(1)
        self.known: defaultdict[str, list[str]] = defaultdict(list)
        self.active: dict[str, bool] = {}

    def new(self, operation: Operation, workspace: str, dice: random.Random) -> RecordedRequest:
        """Return a request for *operation* in *workspace*; half of them have an idempotency key."""
        number, known = next(self.numbers), self.known[workspace]
        if len(known) < MIN_INTEGRATIONS:
            operation = "create"
        elif operation == "create" and len(known) > MAX_INTEGRATIONS:
            operation = "delete"
        stream = "" if operation == "create" else dice.choice(known)
        if operation == "delete":
            known.remove(stream)
        planned = self._plan(operation, f"{workspace} {number}", self.marker.secret(number), stream)
        return RecordedRequest(
            number=number,
            workspace=workspace,
            operation=operation,
            method=planned.method,
            path=PATH + planned.path,
            json=planned.json,
            key=f"key-{number}" if number % 2 else None,
            wanted=planned.wanted,
            stream=stream or None,
        )

    def _plan(self, operation: Operation, name: str, secret: str, stream: str) -> PlannedRequest:
        match operation:
            case "create":
                sms = {"name": name, "type": "TWILIO", "channel": "SMS"}
                return PlannedRequest(
                    "POST", "", {**sms, "apiKey": secret, "apiSecret": secret}, name
                )
            case "toggle":
                other = not self.active.get(stream, True)
                return PlannedRequest("POST", f"/{stream}/toggle", {"isActive": other}, other)
            case "rename":
                return PlannedRequest("PATCH", f"/{stream}", {"name": name}, name)
            case "credentials":
                return PlannedRequest("PUT", f"/{stream}/credentials", {"apiSecret": secret})
            case "delete":
                return PlannedRequest("DELETE", f"/{stream}")

    def learn(self, request: RecordedRequest, location: str | None) -> None:
        """Update what exists from a response: a new integration, or a state."""
        if request.outcome != "acknowledged":
            return
        if request.operation == "create" and location:
            request.stream = location.rpartition("/")[2]
            if request.stream not in self.active:
                self.known[request.workspace].append(request.stream)
                self.active[request.stream] = True
        elif request.operation == "toggle" and request.stream:
            self.active[request.stream] = bool(request.wanted)
