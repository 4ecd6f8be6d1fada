"""What the clients of a load ask for: each a request that leads to one event, and to one only."""

import random
from collections import defaultdict
from itertools import count
from typing import Any

from msgspec import Struct

from tests.reliability.canaries import Mark
from tests.reliability.ledger import Asked, What

PATH = "/en/api/integration"
AT_LEAST = 4  # integrations of a workspace; with fewer, one is created instead
AT_MOST = 60


class Wish(Struct, frozen=True):
    """How something is asked for over HTTP, and the name or the state that is wanted."""

    method: str
    path: str
    json: dict[str, Any] | None = None
    wanted: str | bool | None = None


class Requests:
    """Makes requests, each with a number of its own, on what is known to be there."""

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.numbers = count(1)
        self.known: defaultdict[str, list[str]] = defaultdict(list)
        self.active: dict[str, bool] = {}

    def new(self, what: What, workspace: str, dice: random.Random) -> Asked:
        """Return a request for *what* in *workspace*, every other one with an idempotency key."""
        number, known = next(self.numbers), self.known[workspace]
        if len(known) < AT_LEAST:
            what = "create"
        elif what == "create" and len(known) > AT_MOST:
            what = "delete"
        stream = "" if what == "create" else dice.choice(known)
        if what == "delete":
            known.remove(stream)
        wish = self._wish(what, f"{workspace} {number}", self.mark.secret(number), stream)
        return Asked(
            number=number,
            workspace=workspace,
            what=what,
            method=wish.method,
            path=PATH + wish.path,
            json=wish.json,
            key=f"key-{number}" if number % 2 else None,
            wanted=wish.wanted,
            stream=stream or None,
        )

    def _wish(self, what: What, name: str, secret: str, stream: str) -> Wish:
        match what:
            case "create":
                sms = {"name": name, "type": "TWILIO", "channel": "SMS"}
                return Wish("POST", "", {**sms, "apiKey": secret, "apiSecret": secret}, name)
            case "toggle":
                other = not self.active.get(stream, True)
                return Wish("POST", f"/{stream}/toggle", {"isActive": other}, other)
            case "rename":
                return Wish("PATCH", f"/{stream}", {"name": name}, name)
            case "credentials":
                return Wish("PUT", f"/{stream}/credentials", {"apiSecret": secret})
            case "delete":
                return Wish("DELETE", f"/{stream}")

    def learn(self, asked: Asked, location: str | None) -> None:
        """Keep what an answer told: a new integration, or a state."""
        if asked.outcome != "acknowledged":
            return
        if asked.what == "create" and location:
            asked.stream = location.rpartition("/")[2]
            if asked.stream not in self.active:
                self.known[asked.workspace].append(asked.stream)
                self.active[asked.stream] = True
        elif asked.what == "toggle" and asked.stream:
            self.active[asked.stream] = bool(asked.wanted)
