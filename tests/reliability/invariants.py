"""What must hold after any fault: one function each; its name is the rule, it yields violations."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from app.bootstrap import max_connections
from app.database.pools import POOL_SIZE
from tests.reliability.observation import Observation, StoredRow, fold_log
from tests.reliability.request_ledger import RecordedRequest, RequestLedger
from tests.reliability.resources import Resources
from tests.reliability.secret_markers import SecretMarker

TYPES = {
    "create": "IntegrationCreated",
    "toggle": "IntegrationToggled",
    "rename": "IntegrationRenamed",
    "credentials": "CredentialsReplaced",
    "delete": "IntegrationDeleted",
}
MAX_CONNECTIONS = max_connections(POOL_SIZE)  # of a worker to the database
MORE_HANDLES = 40
MORE_MEMORY = 1.5  # times
MORE_MEGABYTES = 40


class TailResult(Struct, frozen=True):
    """What the tail read: positions in their order, and the error that ended it early."""

    positions: Sequence[int]
    damage: str | None


class CommandResult(Struct, frozen=True):
    """The status and output of a command of the service."""

    status: int
    output: str


class Evidence(Struct, frozen=True):
    """All evidence at the end of a fault.

    `attempts` are the events that each request led to, by its id; `streams` those of each stream.
    """

    ledger: RequestLedger
    observation: Observation
    marker: SecretMarker
    attempts: Mapping[str, Sequence[StoredRow]]
    streams: Mapping[str, Sequence[StoredRow]]
    tailed: TailResult
    rebuild: CommandResult
    verify: CommandResult
    before: Resources
    after: Resources
    workers: int
    ready: Sequence[str]
    """How the service was not ready when it should have been."""

    def events_of(self, request: RecordedRequest) -> list[StoredRow]:
        """Return the events that the attempts of *request* led to."""
        return [row for each in request.request_ids for row in self.attempts.get(each, ())]


Invariant = Callable[[Evidence], Iterator[str]]


def every_acknowledged_write_is_in_the_log_once(evidence: Evidence) -> Iterator[str]:
    """Each has one event, of its type and with the version of the response."""
    for request in evidence.ledger.of("acknowledged"):
        rows = evidence.events_of(request)
        if not rows and request.operation == "toggle" and was_so_already(evidence, request):
            continue
        if len(rows) != 1:
            yield f"{named(request)} is there {len(rows)} times"
        elif rows[0].type != TYPES[request.operation]:
            yield f"{named(request)} is there as {rows[0].type}"
        elif request.version is not None and rows[0].version != request.version:
            yield f"{named(request)}: version {request.version} answered, {rows[0].version} stored"


def was_so_already(evidence: Evidence, request: RecordedRequest) -> bool:
    """Return whether the integration already was as requested at the version of the response."""
    states = [
        row.stored.event["isActive"]
        for row in evidence.streams.get(request.stream or "", ())
        if row.version <= (request.version or 0) and "isActive" in row.stored.event
    ]
    return states[-1:] == [request.wanted]


def nothing_refused_is_in_the_log(evidence: Evidence) -> Iterator[str]:
    """A request with an error response left no event."""
    for request in evidence.ledger.of("refused"):
        if evidence.events_of(request):
            yield f"{named(request)} was answered {request.status}"


def unknown_outcomes_are_resolved_by_their_keys(evidence: Evidence) -> Iterator[str]:
    """With a key each is settled; without one it is in the log at most once."""
    for request in evidence.ledger.of("unknown"):
        if request.key:
            yield f"{named(request)} is still unknown"
        elif len(evidence.events_of(request)) > 1:
            yield f"{named(request)} is there {len(evidence.events_of(request))} times"


def nothing_is_in_the_log_that_nobody_asked_for(evidence: Evidence) -> Iterator[str]:
    """Each event is some request's, with its key."""
    keys = {
        each: request.key for request in evidence.ledger.requests for each in request.request_ids
    }
    for row in evidence.observation.log:
        origin = row.stored.origin
        if origin.request_id not in keys or keys[origin.request_id] != origin.idempotency_key:
            yield f"position {row.position}, of the request {origin.request_id}"


def positions_and_versions_are_dense(evidence: Evidence) -> Iterator[str]:
    """Both count from 1 without holes, and the envelope says the same as its row."""
    for expected, row in enumerate(evidence.observation.log, start=1):
        if row.position != expected:
            yield f"position {expected} is {row.position}"
            return
    for stream, rows in evidence.streams.items():
        if [row.version for row in rows] != [*range(1, len(rows) + 1)]:
            yield f"the versions of {stream} are {[row.version for row in rows]}"
    for row in evidence.observation.log:
        inside = row.stored
        if (inside.workspace, inside.stream, inside.version) != (
            row.workspace, row.stream, row.version
        ):  # fmt: skip
            yield f"position {row.position} is in another place than its envelope says"


def the_tail_saw_each_position_once_and_in_order(evidence: Evidence) -> Iterator[str]:
    """A reader that follows the log sees 1, 2, 3 and so on to its end."""
    if evidence.tailed.damage:
        yield evidence.tailed.damage
    positions, length = [*evidence.tailed.positions], len(evidence.observation.log)
    if positions != [*range(1, length + 1)]:
        wrong = next((i for i, p in enumerate(positions, 1) if i != p), len(positions) + 1)
        yield f"it differs from position {wrong} of {length} on"


def views_equal_the_fold(evidence: Evidence) -> Iterator[str]:
    """Lists equal the checker's own fold, and tables equal a rebuild."""
    expected = fold_log(evidence.observation.log)
    for workspace, listed in evidence.observation.listed.items():
        wanted = expected.get(workspace, {})
        if listed != wanted:
            wrong = [key for key in {*listed, *wanted} if listed.get(key) != wanted.get(key)]
            yield f"the list of {workspace} differs in {len(wrong)} integrations, as {wrong[0]}"
    if evidence.rebuild.status:
        yield f"rebuild --check: {evidence.rebuild.output}"


def the_log_can_be_proved(evidence: Evidence) -> Iterator[str]:
    """`integrations verify` passes."""
    if evidence.verify.status:
        yield evidence.verify.output


def no_secret_is_anywhere(evidence: Evidence) -> Iterator[str]:
    """No secret marker is in a table or a log; responses were checked as they came."""
    for place, content in evidence.observation.contents.items():
        if evidence.marker.occurs_in(content):
            yield f"in {place}"


def no_foreign_rows(evidence: Evidence) -> Iterator[str]:
    """No list shows an integration of another workspace; names begin with their own."""
    for workspace, listed in evidence.observation.listed.items():
        for stream, (name, _) in listed.items():
            if not name.startswith(workspace):
                yield f"{stream} is shown to {workspace}"


def resources_are_back_to_the_start(evidence: Evidence) -> Iterator[str]:
    """Connections, open files and memory are about as after the first requests."""
    before, after = evidence.before, evidence.after
    if after.connections > evidence.workers * MAX_CONNECTIONS:
        yield f"{after.connections} connections"
    if after.handles > before.handles + MORE_HANDLES:
        yield f"{before.handles} handles became {after.handles}"
    if after.megabytes > before.megabytes * MORE_MEMORY + MORE_MEGABYTES:
        yield f"{before.megabytes:.0f} MB became {after.megabytes:.0f}"


def ready_again_by_itself(evidence: Evidence) -> Iterator[str]:
    """At the end the service is ready, and responds to every request."""
    yield from evidence.ready


def named(request: RecordedRequest) -> str:
    """Return the name of *request* in reports."""
    return f"{request.operation} {request.number}{' with a key' if request.key else ''}"


INVARIANTS: Sequence[Invariant] = (
    every_acknowledged_write_is_in_the_log_once,
    nothing_refused_is_in_the_log,
    unknown_outcomes_are_resolved_by_their_keys,
    nothing_is_in_the_log_that_nobody_asked_for,
    positions_and_versions_are_dense,
    the_tail_saw_each_position_once_and_in_order,
    views_equal_the_fold,
    the_log_can_be_proved,
    no_secret_is_anywhere,
    no_foreign_rows,
    resources_are_back_to_the_start,
    ready_again_by_itself,
)
