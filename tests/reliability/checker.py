"""The checker: looks at everything once a fault is over, and names each invariant that broke."""

import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import httpx2
from msgspec import Struct

from tests.reliability.canaries import Mark
from tests.reliability.invariants import INVARIANTS, Command, Seen, Tailed
from tests.reliability.ledger import Ledger
from tests.reliability.load import NO_TLS, WORKSPACES
from tests.reliability.resources import Resources, resources_of
from tests.reliability.service import until
from tests.reliability.stage import Stage
from tests.reliability.tailing import Tail
from tests.reliability.witness import Found, look

COMMANDS = (("rebuild", "--check"), ("verify",))
SHOWN = 3  # complaints of one invariant
READY_WITHIN = 120.0  # seconds, on a busy machine; what never becomes ready is meant
ANSWERS = 40  # that must come, one after the other, once the service is ready


class Broken(Struct, frozen=True):
    """An invariant that broke, and how."""

    invariant: str
    how: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.how}"


def not_ready(stage: Stage) -> list[str]:
    """Return in words how the service is not ready by itself; nothing where it is."""
    ready = f"{stage.service.address}/health/ready"
    with httpx2.Client(timeout=30, verify=NO_TLS, trust_env=False) as client:

        def is_ready() -> bool:
            try:
                return client.get(ready).is_success
            except httpx2.TransportError:
                return False

        if until(is_ready, READY_WITHIN) < 0:
            return [f"not within {READY_WITHIN:.0f} s"]
    token = stage.service.token(WORKSPACES[0])
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    address = f"{stage.service.address}/en/api/integration?limit=1"
    with httpx2.Client(timeout=30, headers=headers, verify=NO_TLS, trust_env=False) as client:
        answered = [client.get(address).status_code for _ in range(ANSWERS)]
    wrong = [f"answered {status} once it was ready" for status in answered if status != 200]
    # The pool of a worker that nobody has asked since the fault learns of its loss by one request.
    return wrong if len(wrong) > stage.service.workers_wanted else []


def check(
    stage: Stage, ledger: Ledger, tail: Tail, mark: Mark, before: Resources
) -> Sequence[Broken]:
    """Return what is broken; the load has ended, and the service runs.

    The tail is led to the log's end and stopped.
    """
    ready = not_ready(stage)
    if ready:
        return [
            *broken_by_answers(ledger),
            *(Broken("ready again by itself", how) for how in ready),
        ]
    after = resources_of(stage)
    tail.end()
    witness = look(stage)
    with ThreadPoolExecutor() as threads:  # each takes seconds, and there are two cores
        rebuild, verify = (threads.submit(ended, stage, *words) for words in COMMANDS)
    attempts, streams = defaultdict[str, list[Found]](list), defaultdict[str, list[Found]](list)
    for row in witness.log:
        attempts[row.stored.origin.request_id or ""].append(row)
        streams[row.stream].append(row)
    seen = Seen(
        ledger=ledger,
        witness=witness,
        mark=mark,
        attempts=attempts,
        streams=streams,
        tailed=Tailed(tail.seen, tail.damage),
        rebuild=rebuild.result(),
        verify=verify.result(),
        before=before,
        after=after,
        workers=stage.service.workers_wanted,
        ready=ready,
    )
    return [*broken_by_answers(ledger), *broken_at_the_end(seen)]


def ended(stage: Stage, *words: str) -> Command:
    """Run a command of the service; return how it ended, and the last lines of what it said."""
    done: subprocess.CompletedProcess[str] = stage.service.command(*words, dsn=stage.dsn)
    return Command(done.returncode, (done.stdout + done.stderr).strip()[-500:])


def broken_by_answers(ledger: Ledger) -> Iterator[Broken]:
    """Yield what the load itself saw, the first of each invariant."""
    told: defaultdict[str, int] = defaultdict(int)
    for invariant, how in ledger.complaints:
        told[invariant] += 1
        if told[invariant] <= SHOWN:
            yield Broken(invariant, how)


def broken_at_the_end(seen: Seen) -> Iterator[Broken]:
    """Yield what each invariant says, the first of it."""
    for invariant in INVARIANTS:
        for how in islice(invariant(seen), SHOWN):
            yield Broken(name_of(invariant), how)


def name_of(invariant: Callable[[Seen], Iterator[str]]) -> str:
    """Return the name of *invariant* in words."""
    return invariant.__name__.replace("_", " ")
