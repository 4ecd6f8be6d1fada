"""Endpoints to verify the log without trusting us (docs/audit.md)."""

from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager, suppress
from types import MappingProxyType

from litestar import Controller, Response, get
from litestar.response import Stream
from msgspec import Struct

from app.audit.errors import ProofNotFoundError
from app.audit.export import export_line
from app.audit.proof_service import NoCheckpointError, ProofService, SignedCheckpoint
from app.http.audit_responses import (
    CheckpointResponse,
    ConsistencyResponse,
    InclusionResponse,
    InclusionsResponse,
    render_checkpoint,
    render_consistency,
    render_inclusion,
    render_inclusions,
)
from app.http.authorization import authorize
from app.http.dependencies import get_dependencies
from app.http.errors import ProofUnavailableError
from app.http.expensive_requests import stream_limited, with_first
from app.http.field_rules import FieldProblem
from app.http.query_parameters import MAX_POSITION, QuerySchema, integer, list_of, operation_class
from app.http.responses import to_response
from app.http.types import ApiRequest
from app.tokens.principal import AUDIT

MAX_INCLUSIONS = 20  # in one response: a page of the history
JSON_LINES = "application/jsonl"
NO_CHECKPOINT = FieldProblem("NO_CHECKPOINT", "Nothing of this workspace has been signed yet")
NOT_SIGNED = FieldProblem(
    "NOT_SIGNED", "No event of this workspace that has been signed is at this position"
)
NO_TREE = FieldProblem("NO_TREE", "from must not exceed to, and to not the newest checkpoint")


class InclusionQuery(Struct):
    """The event to prove, by its position in the log."""

    position: int


class InclusionsQuery(Struct):
    """The events to prove, by their positions in the log."""

    positions: tuple[int, ...]


class ConsistencyQuery(Struct, rename={"from_": "from"}):
    """The trees to compare, by their sizes."""

    from_: int
    to: int


INCLUSION_QUERY = QuerySchema(shape=InclusionQuery, rules={"position": integer(1, MAX_POSITION)})
INCLUSIONS_QUERY = QuerySchema(
    shape=InclusionsQuery,
    rules={"positions": list_of(integer(1, MAX_POSITION), MAX_INCLUSIONS)},
)
CONSISTENCY_QUERY = QuerySchema(
    shape=ConsistencyQuery, rules={"from": integer(1, MAX_POSITION), "to": integer(1, MAX_POSITION)}
)


class AuditController(Controller):
    """Checkpoints and proofs of the workspace's log, and the log itself, byte for byte."""

    path = "/{locale:str}/api/audit"
    before_request = authorize
    opt = MappingProxyType({"permission": AUDIT})
    tags = ("Audit",)
    security = ({"bearer": []},)

    @get("/checkpoint", operation_id="getCheckpoint")
    async def get_checkpoint(self, request: ApiRequest) -> Response[CheckpointResponse]:
        """Show the newest signed checkpoint of the workspace's log, to be stored elsewhere."""
        with raise_proof_not_found(None, NO_CHECKPOINT):
            newest = await get_dependencies(request.app).proof_service.latest_checkpoint(
                request.user.workspace
            )
        return to_response(render_checkpoint(request, newest))

    @get(
        "/proof/inclusion",
        opt={"parameters": True},
        operation_class=operation_class(INCLUSION_QUERY),
        operation_id="proveInclusion",
    )
    async def get_inclusion_proof(self, request: ApiRequest) -> Response[InclusionResponse]:
        """Prove that an event is in the newest checkpoint."""
        query = INCLUSION_QUERY.read(request)
        proof_service = get_dependencies(request.app).proof_service
        with raise_proof_not_found("position", NOT_SIGNED):
            inclusion = await proof_service.inclusion(request.user.workspace, query.position)
        return to_response(render_inclusion(request, inclusion))

    @get(
        "/proof/inclusions",
        opt={"parameters": True},
        operation_class=operation_class(INCLUSIONS_QUERY),
        operation_id="proveInclusions",
    )
    async def get_inclusion_proofs(self, request: ApiRequest) -> Response[InclusionsResponse]:
        """Prove, event by event, that up to 20 events are in the newest checkpoint."""
        query = INCLUSIONS_QUERY.read(request)
        proof_service = get_dependencies(request.app).proof_service
        with raise_proof_not_found(None, NO_CHECKPOINT):
            inclusions = await proof_service.inclusions(request.user.workspace, query.positions)
        return to_response(render_inclusions(request, inclusions))

    @get(
        "/proof/consistency",
        opt={"parameters": True},
        operation_class=operation_class(CONSISTENCY_QUERY),
        operation_id="proveConsistency",
    )
    async def get_consistency_proof(self, request: ApiRequest) -> Response[ConsistencyResponse]:
        """Prove that a later state of the log continues an earlier one."""
        query = CONSISTENCY_QUERY.read(request)
        proof_service = get_dependencies(request.app).proof_service
        with raise_proof_not_found("to", NO_TREE):
            consistency = await proof_service.consistency(
                request.user.workspace, query.from_, query.to
            )
        return to_response(render_consistency(request, consistency))

    @get("/export", media_type=JSON_LINES, operation_id="exportLog")
    async def export_log(self, request: ApiRequest) -> Stream:
        """Export all events of the workspace, byte for byte as they are stored, as JSON Lines."""
        proof_service = get_dependencies(request.app).proof_service
        lines = stream_limited(request, export_lines(proof_service, request.user.workspace))
        # Read before the response starts: an unavailable database is still a 503.
        first = await anext(lines, b"")
        headers = {"Content-Language": request.auth.tag}
        return Stream(with_first(first, lines), media_type=JSON_LINES, headers=headers)


async def export_lines(proof_service: ProofService, workspace: str) -> AsyncGenerator[bytes]:
    """Yield the lines of the export; the last event of the newest checkpoint has its note."""
    newest: SignedCheckpoint | None = None
    with suppress(NoCheckpointError):
        newest = await proof_service.latest_checkpoint(workspace)
    last_signed = newest.checkpoint.head.size - 1 if newest else None
    async for leaf in proof_service.leaves(workspace):
        note = newest.note if newest and leaf.index == last_signed else None
        changes = newest.key_changes if newest and note else ()
        yield export_line(leaf.position, leaf.index, leaf.envelope, note, changes)


@contextmanager
def raise_proof_not_found(parameter: str | None, problem: FieldProblem) -> Generator[None]:
    """Turn a missing proof into ProofUnavailableError with *problem* as a detail."""
    try:
        yield
    except NoCheckpointError:
        raise ProofUnavailableError([(None, NO_CHECKPOINT)]) from None
    except ProofNotFoundError:
        raise ProofUnavailableError([(parameter, problem)]) from None
