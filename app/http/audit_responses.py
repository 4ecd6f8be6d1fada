"""The responses of the audit endpoints (contract, 9); all hashes and stored bytes are base64."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import encode

from app.audit.proof_service import Consistency, Inclusion, SignedCheckpoint
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
