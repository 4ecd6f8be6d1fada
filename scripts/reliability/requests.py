"""What the clients of a load ask for: each a request that leads to one event, and to one only."""

import random
from collections import defaultdict
from itertools import count

from scripts.reliability.canaries import Mark
from scripts.reliability.ledger import Asked, What

PATH = "/en/api/integration"
AT_LEAST = 4  # integrations of a workspace; with fewer, one is created instead
AT_MOST = 60


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
        if len(known) < AT_LEAST or (what == "create" and len(known) > AT_MOST):
            what = "create" if len(known) < AT_LEAST else "delete"
        key = f"key-{number}" if number % 2 else None
        stream = None if what == "create" else dice.choice(known)
        if what == "delete" and stream is not None:
            known.remove(stream)
        name = f"{workspace} {number}"
        place, secret = f"{PATH}/{stream}", self.mark.secret(number)
        asked = Asked(number, workspace, what, "POST", PATH, None, key, stream=stream)
        match what:
            case "create":
                asked.wanted = name
                asked.json = {
                    "name": name, "type": "TWILIO", "channel": "SMS",
                    "apiKey": secret, "apiSecret": secret,
                }  # fmt: skip
            case "toggle":
                asked.wanted = not self.active.get(stream or "", True)
                asked.path, asked.json = f"{place}/toggle", {"isActive": asked.wanted}
            case "rename":
                asked.wanted = name
                asked.method, asked.path, asked.json = "PATCH", place, {"name": name}
            case "credentials":
                asked.method, asked.path = "PUT", f"{place}/credentials"
                asked.json = {"apiSecret": secret}
            case "delete":
                asked.method, asked.path = "DELETE", place
        return asked

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
