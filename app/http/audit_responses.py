"""The responses of the audit endpoints (docs/audit.md); hashes and stored bytes are base64."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import encode

from app.audit.proof_service import Consistency, Inclusion, Inclusions, SignedCheckpoint
from app.audit.signed_note import encode_base64
from app.http.responses import RenderedResponse
from app.http.types import ApiRequest

Hash = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=$")]
PROVED = "Proof made successfully"


class CheckpointObject(Struct, rename="camel"):
    """The newest checkpoint: a signed note, its content, and the key that verifies it.

    `keyChanges` are signed notes, too: by them a key that signed before vouches for this one.
    """

    checkpoint: str
    verifier_key: str
    key_changes: list[str]
    size: int
    root: Hash
    position: int | None


class InclusionObject(Struct, rename="camel"):
    """That an event is in the tree of the checkpoint (RFC 9162, 2.1.3)."""

    position: int
    leaf_hash: Hash
    leaf_index: int
    tree_size: int
    proof: list[Hash]
    checkpoint: str


class EventProof(Struct, rename="camel"):
    """That an event is in the tree (RFC 9162, 2.1.3)."""

    position: int
    leaf_hash: Hash
    leaf_index: int
    proof: list[Hash]


class InclusionsObject(Struct, rename="camel"):
    """Proofs for the tree of the checkpoint.

    `notSigned` are the positions at which the checkpoint has no event of the workspace, `failed`
    those of events that are not as they were signed.
    """

    checkpoint: str
    tree_size: int
    proofs: list[EventProof]
    not_signed: list[int]
    failed: list[int]


class ConsistencyObject(Struct, rename="camel"):
    """That the tree of `to` leaves begins with that of `from` (RFC 9162, 2.1.4)."""

    from_: int
    to: int
    from_root: Hash
    to_root: Hash
    proof: list[Hash]
    checkpoint: str


class CheckpointResult(Struct):
    """A checkpoint."""

    data: CheckpointObject
    message: str
    status: int


class CheckpointResponse(Struct):
    """The response with a checkpoint."""

    result: CheckpointResult


class InclusionResult(Struct):
    """An inclusion proof."""

    data: InclusionObject
    message: str
    status: int


class InclusionResponse(Struct):
    """The response with an inclusion proof."""

    result: InclusionResult


class InclusionsResult(Struct):
    """Proofs of several events."""

    data: InclusionsObject
    message: str
    status: int


class InclusionsResponse(Struct):
    """The response with proofs of several events."""

    result: InclusionsResult


class ConsistencyResult(Struct):
    """A consistency proof."""

    data: ConsistencyObject
    message: str
    status: int


class ConsistencyResponse(Struct):
    """The response with a consistency proof."""

    result: ConsistencyResult


def render_checkpoint(request: ApiRequest, signed: SignedCheckpoint) -> RenderedResponse:
    """Return the response with a checkpoint."""
    checkpoint = signed.checkpoint
    data = CheckpointObject(
        checkpoint=signed.note,
        verifier_key=signed.verifier_key,
        key_changes=[*signed.key_changes],
        size=checkpoint.head.size,
        root=encode_base64(checkpoint.head.root),
        position=checkpoint.position,
    )
    message = request.auth.text("Checkpoint fetched successfully")
    return render(request, CheckpointResponse(CheckpointResult(data, message, 200)))


def render_inclusion(request: ApiRequest, inclusion: Inclusion) -> RenderedResponse:
    """Return the response with an inclusion proof."""
    data = InclusionObject(
        position=inclusion.position,
        leaf_hash=encode_base64(inclusion.leaf),
        leaf_index=inclusion.index,
        tree_size=inclusion.newest.checkpoint.head.size,
        proof=encode_hashes(inclusion.proof),
        checkpoint=inclusion.newest.note,
    )
    result = InclusionResult(data, request.auth.text(PROVED), 200)
    return render(request, InclusionResponse(result))


def render_inclusions(request: ApiRequest, found: Inclusions) -> RenderedResponse:
    """Return the response with proofs of several events."""
    data = InclusionsObject(
        checkpoint=found.newest.note,
        tree_size=found.newest.checkpoint.head.size,
        proofs=[
            EventProof(
                position=each.position,
                leaf_hash=encode_base64(each.leaf),
                leaf_index=each.index,
                proof=encode_hashes(each.proof),
            )
            for each in found.proved
        ],
        not_signed=[*found.not_signed],
        failed=[*found.failed],
    )
    result = InclusionsResult(data, request.auth.text(PROVED), 200)
    return render(request, InclusionsResponse(result))


def render_consistency(request: ApiRequest, consistency: Consistency) -> RenderedResponse:
    """Return the response with a consistency proof."""
    first, second = consistency.first, consistency.second
    data = ConsistencyObject(
        from_=first.size,
        to=second.size,
        from_root=encode_base64(first.root),
        to_root=encode_base64(second.root),
        proof=encode_hashes(consistency.proof),
        checkpoint=consistency.newest.note,
    )
    result = ConsistencyResult(data, request.auth.text(PROVED), 200)
    return render(request, ConsistencyResponse(result))


def encode_hashes(proof: Sequence[bytes]) -> list[str]:
    """Return the hashes of *proof* in base64."""
    return [encode_base64(each) for each in proof]


def render(request: ApiRequest, response: Struct) -> RenderedResponse:
    """Return *response* as it is sent."""
    return RenderedResponse(200, encode(response), {"Content-Language": request.auth.tag})
