"""What must hold after any fault: a function each; its name says what, it yields how not."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from tests.reliability.canaries import Mark
from tests.reliability.ledger import Asked, Ledger
from tests.reliability.resources import Resources
from tests.reliability.witness import Found, Witness, folded

TYPES = {
    "create": "IntegrationCreated",
    "toggle": "IntegrationToggled",
    "rename": "IntegrationRenamed",
    "credentials": "CredentialsReplaced",
    "delete": "IntegrationDeleted",
}
# A worker's connections to the database: for commands and for queries at most 8 each, 2 to look
# back, and the one that follows the log.
CONNECTIONS = 19
MORE_HANDLES = 40
MORE_MEMORY = 1.5  # times
MORE_MEGABYTES = 40


class Tailed(Struct, frozen=True):
    """What the tail saw: positions in the order they came, and what ended it before its time."""

    seen: Sequence[int]
    damage: str | None


class Command(Struct, frozen=True):
    """How a command of the service ended, and what it said."""

    status: int
    said: str


class Seen(Struct, frozen=True):
    """All that is known at the end of a fault.

    `attempts` are the events that each request led to, by its id; `streams` those of each stream.
    """

    ledger: Ledger
    witness: Witness
    mark: Mark
    attempts: Mapping[str, Sequence[Found]]
    streams: Mapping[str, Sequence[Found]]
    tailed: Tailed
    rebuild: Command
    verify: Command
    before: Resources
    after: Resources
    workers: int
    ready: Sequence[str]
    """How often the service was not ready when it should have been, each in words."""

    def events_of(self, asked: Asked) -> list[Found]:
        """Return the events that the attempts of *asked* led to."""
        return [row for each in asked.request_ids for row in self.attempts.get(each, ())]


Invariant = Callable[[Seen], Iterator[str]]


def every_acknowledged_write_is_in_the_log_once(seen: Seen) -> Iterator[str]:
    """Each has one event, of its type and with the version that was answered."""
    for asked in seen.ledger.of("acknowledged"):
        rows = seen.events_of(asked)
        if not rows and asked.what == "toggle" and was_so_already(seen, asked):
            continue
        if len(rows) != 1:
            yield f"{named(asked)} is there {len(rows)} times"
        elif rows[0].type != TYPES[asked.what]:
            yield f"{named(asked)} is there as {rows[0].type}"
        elif asked.version is not None and rows[0].version != asked.version:
            yield f"{named(asked)} was answered as version {asked.version}, is {rows[0].version}"


def was_so_already(seen: Seen, asked: Asked) -> bool:
    """Tell whether the integration was as *asked* at the version that was answered."""
    states = [
        row.stored.event["isActive"]
        for row in seen.streams.get(asked.stream or "", ())
        if row.version <= (asked.version or 0) and "isActive" in row.stored.event
    ]
    return states[-1:] == [asked.wanted]


def nothing_refused_is_in_the_log(seen: Seen) -> Iterator[str]:
    """What was answered with an error left no event."""
    for asked in seen.ledger.of("refused"):
        if seen.events_of(asked):
            yield f"{named(asked)} was answered {asked.status}"


def unknown_outcomes_are_resolved_by_their_keys(seen: Seen) -> Iterator[str]:
    """With a key each is settled; without one it is in the log once or not at all."""
    for asked in seen.ledger.of("unknown"):
        if asked.key:
            yield f"{named(asked)} is still unknown"
        elif len(seen.events_of(asked)) > 1:
            yield f"{named(asked)} is there {len(seen.events_of(asked))} times"


def nothing_is_in_the_log_that_nobody_asked_for(seen: Seen) -> Iterator[str]:
    """Each event is some request's, with its key."""
    keys = {each: asked.key for asked in seen.ledger.asked for each in asked.request_ids}
    for row in seen.witness.log:
        origin = row.stored.origin
        if origin.request_id not in keys or keys[origin.request_id] != origin.idempotency_key:
            yield f"position {row.position}, of the request {origin.request_id}"


def positions_and_versions_are_dense(seen: Seen) -> Iterator[str]:
    """Both count from 1 without holes, and the envelope says the same as its row."""
    for expected, row in enumerate(seen.witness.log, start=1):
        if row.position != expected:
            yield f"position {expected} is {row.position}"
            return
    for stream, rows in seen.streams.items():
        if [row.version for row in rows] != [*range(1, len(rows) + 1)]:
            yield f"the versions of {stream} are {[row.version for row in rows]}"
    for row in seen.witness.log:
        inside = row.stored
        if (inside.workspace, inside.stream, inside.version) != (
            row.workspace, row.stream, row.version
        ):  # fmt: skip
            yield f"position {row.position} is in another place than its envelope says"


def the_tail_saw_each_position_once_and_in_order(seen: Seen) -> Iterator[str]:
    """Whoever followed the log all along saw 1, 2, 3 and so on to its end."""
    if seen.tailed.damage:
        yield seen.tailed.damage
    positions, length = [*seen.tailed.seen], len(seen.witness.log)
    if positions != [*range(1, length + 1)]:
        wrong = next((i for i, p in enumerate(positions, 1) if i != p), len(positions) + 1)
        yield f"it differs from position {wrong} of {length} on"


def views_equal_the_fold(seen: Seen) -> Iterator[str]:
    """Lists show what the checker's own fold gives, and tables what a rebuild gives."""
    expected = folded(seen.witness.log)
    for workspace, shown in seen.witness.shown.items():
        wanted = expected.get(workspace, {})
        if shown != wanted:
            wrong = [key for key in {*shown, *wanted} if shown.get(key) != wanted.get(key)]
            yield f"the list of {workspace} differs in {len(wrong)} integrations, as {wrong[0]}"
    if seen.rebuild.status:
        yield f"rebuild --check: {seen.rebuild.said}"


def the_log_can_be_proved(seen: Seen) -> Iterator[str]:
    """`integrations verify` passes."""
    if seen.verify.status:
        yield seen.verify.said


def no_secret_is_anywhere(seen: Seen) -> Iterator[str]:
    """No canary stands in a table or a log; answers were looked at as they came."""
    for place, content in seen.witness.places.items():
        if seen.mark.stands_in(content):
            yield f"in {place}"


def no_foreign_rows(seen: Seen) -> Iterator[str]:
    """No list shows an integration of another workspace; names begin with their own."""
    for workspace, shown in seen.witness.shown.items():
        for stream, (name, _) in shown.items():
            if not name.startswith(workspace):
                yield f"{stream} is shown to {workspace}"


def resources_are_back_to_the_start(seen: Seen) -> Iterator[str]:
    """Connections, open files and memory are about what they were after the first requests."""
    before, after = seen.before, seen.after
    if after.connections > seen.workers * CONNECTIONS:
        yield f"{after.connections} connections"
    if after.handles > before.handles + MORE_HANDLES:
        yield f"{before.handles} handles became {after.handles}"
    if after.megabytes > before.megabytes * MORE_MEMORY + MORE_MEGABYTES:
        yield f"{before.megabytes:.0f} MB became {after.megabytes:.0f}"


def ready_again_by_itself(seen: Seen) -> Iterator[str]:
    """When all is over the service is ready, and answers whatever it is asked."""
    yield from seen.ready


def named(asked: Asked) -> str:
    """Return how *asked* is called in what is told."""
    return f"{asked.what} {asked.number}{' with a key' if asked.key else ''}"


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
