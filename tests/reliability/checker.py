"""The checker: observes everything when a fault is over, and names each invariant that broke."""

import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import httpx2
from msgspec import Struct

from tests.reliability.client import NO_TLS, WORKSPACES
from tests.reliability.environment import Environment
from tests.reliability.invariants import (
    INVARIANTS,
    MAX_CONNECTIONS,
    CommandResult,
    Evidence,
    TailResult,
)
from tests.reliability.log_tail import LogTail
from tests.reliability.observation import StoredRow, observe
from tests.reliability.request_ledger import RequestLedger
from tests.reliability.resources import Resources, resources_of
from tests.reliability.secret_markers import SecretMarker
from tests.reliability.service import until

COMMANDS = (("rebuild", "--check"), ("verify",))
MAX_SHOWN = 3  # complaints of one invariant
READY_TIMEOUT = 120.0  # seconds, on a busy machine; only a service that never becomes ready fails
SETTLING_TIMEOUT = 30.0  # seconds until the server has noticed which connections are gone
READY_RESPONSES = 40  # responses that must come, one after the other, when the service is ready


class Violation(Struct, frozen=True):
    """An invariant that broke, and how."""

    invariant: str
    how: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.how}"


def readiness_problems(environment: Environment) -> list[str]:
    """Return how the service is not ready by itself; nothing if it is."""
    ready = f"{environment.service.address}/health/ready"
    with httpx2.Client(timeout=30, verify=NO_TLS, trust_env=False) as client:

        def is_ready() -> bool:
            try:
                return client.get(ready).is_success
            except httpx2.TransportError:
                return False

        if until(is_ready, READY_TIMEOUT) < 0:
            return [f"not within {READY_TIMEOUT:.0f} s"]
    token = environment.service.token(WORKSPACES[0])
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    address = f"{environment.service.address}/en/api/integration?limit=1"
    with httpx2.Client(timeout=30, headers=headers, verify=NO_TLS, trust_env=False) as client:
        answered = [client.get(address).status_code for _ in range(READY_RESPONSES)]
    wrong = [f"answered {status} once it was ready" for status in answered if status != 200]
    # The pool of a worker without requests since the fault notices its loss by one request.
    return wrong if len(wrong) > environment.service.workers_wanted else []


def settled_resources(environment: Environment) -> Resources:
    """Return what the service holds once the server has ended the sessions that were cut off."""
    most = environment.service.workers_wanted * MAX_CONNECTIONS
    until(lambda: resources_of(environment).connections <= most, SETTLING_TIMEOUT)
    return resources_of(environment)


def check(
    environment: Environment,
    ledger: RequestLedger,
    tail: LogTail,
    marker: SecretMarker,
    before: Resources,
) -> Sequence[Violation]:
    """Return what is broken; the load has ended, and the service runs.

    The tail reads to the end of the log and stops.
    """
    ready = readiness_problems(environment)
    if ready:
        return [
            *violations_in_responses(ledger),
            *(Violation("ready again by itself", how) for how in ready),
        ]
    tail.end()
    after = settled_resources(environment)
    observation = observe(environment)
    with ThreadPoolExecutor() as threads:  # each takes seconds, and there are two cores
        rebuild, verify = (threads.submit(run_command, environment, *words) for words in COMMANDS)
    attempts, streams = (
        defaultdict[str, list[StoredRow]](list),
        defaultdict[str, list[StoredRow]](list),
    )
    for row in observation.log:
        attempts[row.stored.origin.request_id or ""].append(row)
        streams[row.stream].append(row)
    evidence = Evidence(
        ledger=ledger,
        observation=observation,
        marker=marker,
        attempts=attempts,
        streams=streams,
        tailed=TailResult(tail.positions, tail.damage),
        rebuild=rebuild.result(),
        verify=verify.result(),
        before=before,
        after=after,
        workers=environment.service.workers_wanted,
        ready=ready,
    )
    return [*violations_in_responses(ledger), *violations_at_end(evidence)]


def run_command(environment: Environment, *words: str) -> CommandResult:
    """Run a command of the service; return its status and the end of its output."""
    done: subprocess.CompletedProcess[str] = environment.service.command(
        *words, dsn=environment.dsn
    )
    return CommandResult(done.returncode, (done.stdout + done.stderr).strip()[-500:])


def violations_in_responses(ledger: RequestLedger) -> Iterator[Violation]:
    """Yield the violations that the load itself saw, the first few of each invariant."""
    counts: defaultdict[str, int] = defaultdict(int)
    for invariant, how in ledger.violations:
        counts[invariant] += 1
        if counts[invariant] <= MAX_SHOWN:
            yield Violation(invariant, how)


def violations_at_end(evidence: Evidence) -> Iterator[Violation]:
    """Yield the violations of each invariant, the first few."""
    for invariant in INVARIANTS:
        for how in islice(invariant(evidence), MAX_SHOWN):
            yield Violation(invariant_name(invariant), how)


def invariant_name(invariant: Callable[[Evidence], Iterator[str]]) -> str:
    """Return the name of *invariant* in words."""
    return invariant.__name__.replace("_", " ")
