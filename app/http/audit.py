"""The proof of the log, for whoever does not want to trust us (contract, 9; docs/audit.md)."""

from collections.abc import AsyncGenerator, AsyncIterable, Generator
from contextlib import contextmanager
from types import MappingProxyType

from litestar import Controller, Response, get
from litestar.response import Stream
from msgspec import Struct

from app.audit.errors import NoProofError
from app.audit.prover import Leaf, NoCheckpointError
from app.http.audit_responses import (
    CheckpointAnswer,
    ConsistencyAnswer,
    InclusionAnswer,
    line_of,
    render_checkpoint,
    render_consistency,
    render_inclusion,
)
from app.http.authorization import require_permission
from app.http.dependencies import parts_of
from app.http.errors import Found, NotProvableError
from app.http.field_rules import FieldProblem
from app.http.query_parameters import Parameters, number, operation_with
from app.http.responses import response_of
from app.http.types import ApiRequest
from app.tokens.principal import AUDIT

MOST = 10**18 - 1
JSON_LINES = "application/jsonl"
NO_CHECKPOINT = FieldProblem("NO_CHECKPOINT", "Nothing of this workspace has been signed yet")
NO_LEAF = FieldProblem(
    "NOT_SIGNED", "No event of this workspace that has been signed is at this position"
)
NO_TREE = FieldProblem("NO_TREE", "from must not exceed to, and to not the newest checkpoint")


class InclusionParameters(Struct):
    """Which event is to be proved: by its position in the log."""

    position: int


class ConsistencyParameters(Struct, rename={"from_": "from"}):
    """Which trees are to be compared: by their sizes."""

    from_: int
    to: int


OF_EVENT = Parameters(shape=InclusionParameters, rules={"position": number(1, MOST)})
OF_TREES = Parameters(
    shape=ConsistencyParameters, rules={"from": number(1, MOST), "to": number(1, MOST)}
)


class AuditController(Controller):
    """Checkpoints and proofs of the workspace's log, and the log itself, byte for byte."""

    path = "/{locale:str}/api/audit"
    before_request = require_permission
    opt = MappingProxyType({"permission": AUDIT})
    tags = ("Audit",)
    security = ({"bearer": []},)

    @get("/checkpoint", operation_id="getCheckpoint")
    async def get_checkpoint(self, request: ApiRequest) -> Response[CheckpointAnswer]:
        """Show the newest signed checkpoint of the workspace's log, to be kept elsewhere."""
        with not_found(None, NO_CHECKPOINT):
            newest = await parts_of(request.app).prover.newest(request.user.workspace)
        return response_of(render_checkpoint(request, newest))

    @get(
        "/proof/inclusion",
        opt={"parameters": True},
        operation_class=operation_with(OF_EVENT),
        operation_id="proveInclusion",
    )
    async def prove_inclusion(self, request: ApiRequest) -> Response[InclusionAnswer]:
        """Prove that an event is in the newest checkpoint."""
        asked, prover = OF_EVENT.read(request), parts_of(request.app).prover
        with not_found("position", NO_LEAF):
            inclusion = await prover.inclusion(request.user.workspace, asked.position)
        return response_of(render_inclusion(request, inclusion))

    @get(
        "/proof/consistency",
        opt={"parameters": True},
        operation_class=operation_with(OF_TREES),
        operation_id="proveConsistency",
    )
    async def prove_consistency(self, request: ApiRequest) -> Response[ConsistencyAnswer]:
        """Prove that a later state of the log continues an earlier one."""
        asked, prover = OF_TREES.read(request), parts_of(request.app).prover
        with not_found("to", NO_TREE):
            consistency = await prover.consistency(request.user.workspace, asked.from_, asked.to)
        return response_of(render_consistency(request, consistency))

    @get("/export", media_type=JSON_LINES, operation_id="exportLog")
    async def export_log(self, request: ApiRequest) -> Stream:
        """Export all events of the workspace, byte for byte as they are stored, as JSON Lines."""
        leaves = parts_of(request.app).prover.leaves(request.user.workspace)
        first = await anext(leaves, None)  # a database that is away is told before a line is sent
        headers = {"Content-Language": request.auth.tag}
        return Stream(lines(first, leaves), media_type=JSON_LINES, headers=headers)


async def lines(first: Leaf | None, others: AsyncIterable[Leaf]) -> AsyncGenerator[bytes]:
    """Yield the lines of the export."""
    if first is not None:
        yield line_of(first)
    async for leaf in others:
        yield line_of(leaf)


@contextmanager
def not_found(parameter: str | None, problem: FieldProblem) -> Generator[None]:
    """Raise NotProvableError for a proof that is not there, because of *parameter*'s *problem*."""
    try:
        yield
    except NoCheckpointError:
        raise NotProvableError([(None, NO_CHECKPOINT)]) from None
    except NoProofError:
        found: Found = (parameter, problem)
        raise NotProvableError([found]) from None
