"""The proof: the newest checkpoint, whether a kept one still holds, and the log as a file."""

from base64 import b64encode

from litestar import Controller, Response, get
from litestar.types import ASGIApp

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import unverified_workspace
from app.audit.errors import NoteError
from app.audit.signed_note import parse_verifier
from app.console.api_client import ASGI, ApiClient, ApiError, ApiRequest, CollectedResponse
from app.console.page import render_page
from app.console.pages.history import render_lacking
from app.console.pages.subject import AUDIT, NOT_FOUND
from app.console.resources import Checkpoint, Consistency
from app.console.security import HEADERS
from app.console.visit import NoSuchPageError, PageRequest, open_visit

ERROR, BROKEN = 400, 500
CHECKPOINT, VERIFIER = "checkpoint.txt", "verifier.txt"  # as the page's command names them
# What a comparison found: title, text, and whether it is proved.
VERDICTS = {
    "unsigned": (
        "This is no checkpoint that was signed here",
        "Paste all of it, from the name of the log to the line of its signature.",
    ),
    "foreign": (
        "This checkpoint is of another log",
        "Its first line must be the name of this workspace's log.",
    ),
    "proved": (
        "Proved: the log continues your checkpoint",
        "Nothing that stood in the log when you kept it was changed, removed or moved since.",
    ),
    "shorter": (
        "Not proved: the log is shorter than your checkpoint",
        "Entries that it covered are gone, or an old state of the database was restored.",
    ),
    "changed": (
        "Not proved: the log does not continue your checkpoint",
        "Entries that it covered were changed, removed or moved since.",
    ),
    "broken": (
        "Not proved: the service cannot make the proof",
        "The log is not as it was signed, or the service has failed.",
    ),
}


class AuditPage(Controller):
    """The newest checkpoint, and the comparison with one that somebody kept."""

    path = "/console/{locale:str}/audit"
    before_request = open_visit
    include_in_schema = False

    @get()
    async def show(self, request: PageRequest) -> Response[str]:
        """Show the newest checkpoint, and whether the log continues the one in the address."""
        if not request.user.can(AUDIT):
            return render_lacking(request, AUDIT)
        newest, kept = await load_newest(request.user.api), request.query_params.get("kept", "")
        verdict = await compare(request, newest, kept) if newest and kept.strip() else None
        return render_page(
            request,
            "audit.html",
            422 if verdict == "unsigned" else 200,
            file=file_name(request),
            files=(CHECKPOINT, VERIFIER),
            kept=kept,
            log=log_name(request),
            newest=newest,
            state=verdict,
            verdict=[request.auth.text(each) for each in VERDICTS[verdict]] if verdict else None,
        )

    @get("/checkpoint")
    async def checkpoint(self, request: PageRequest) -> Response[str]:
        """Send the newest checkpoint as a file."""
        return text_file(CHECKPOINT, (await require_newest(request)).checkpoint)

    @get("/verifier")
    async def verifier(self, request: PageRequest) -> Response[str]:
        """Send the key that verifies checkpoints as a file."""
        return text_file(VERIFIER, f"{(await require_newest(request)).verifier_key}\n")

    @get("/export")
    async def export(self, request: PageRequest) -> ASGIApp:
        """Send the export of the API as a file, byte for byte, as it comes."""

        async def send_file(_: ASGI, __: ASGI, send: ASGI) -> None:
            file = File(send, file_name(request))
            await request.user.api.forward(ApiRequest(path="audit/export"), file.send)
            if file.status >= ERROR:
                raise file.error()

        return send_file


def file_name(request: PageRequest) -> str:
    """Return the name of the file with the workspace's log."""
    return f"log-{request.user.caller.workspace_id}.jsonl"


def log_name(request: PageRequest) -> str:
    """Return the name of the workspace's log, as checkpoints begin."""
    return f"integrations/{request.user.caller.workspace_id}"


async def load_newest(api: ApiClient) -> Checkpoint | None:
    """Return the newest checkpoint; None if nothing is signed yet."""
    try:
        return (await api.get(Checkpoint, "audit/checkpoint")).data
    except ApiError as error:
        if error.status == NOT_FOUND:
            return None
        raise


async def require_newest(request: PageRequest) -> Checkpoint:
    """Return the newest checkpoint; raise NoSuchPageError if nothing is signed yet."""
    newest = await load_newest(request.user.api)
    if newest is None:
        raise NoSuchPageError
    return newest


def text_file(name: str, text: str) -> Response[str]:
    """Return the response that a browser saves as the file *name*."""
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/plain", headers=headers)


async def compare(request: PageRequest, newest: Checkpoint, kept: str) -> str:
    """Return what the service's proof says of the checkpoint *kept*, as a key of VERDICTS."""
    workspace, note = request.user.caller.workspace_id, whole_lines(kept)
    try:
        if unverified_workspace(note) != workspace:
            return "foreign"
        head = signing_keys(newest).verify(workspace, note).head
    except NoteError:
        return "unsigned"
    if head.size > newest.size:
        return "shorter"
    query = {"from": str(head.size), "to": str(newest.size)}
    try:
        proof = (await request.user.api.get(Consistency, "audit/proof/consistency", query)).data
    except ApiError as error:
        if error.status != BROKEN:
            raise
        return "broken"
    roots = b64encode(head.root).decode(), newest.root
    return "proved" if (proof.from_root, proof.to_root) == roots else "changed"


def whole_lines(pasted: str) -> bytes:
    """Return the lines of a note without what pasting adds at their ends."""
    return "".join(f"{line.strip()}\n" for line in pasted.strip().splitlines()).encode()


def signing_keys(newest: Checkpoint) -> AuditKeys:
    """Return the keys that sign the log: that of the *newest* checkpoint, and those before it."""
    key = parse_verifier(newest.verifier_key).public_key
    return AuditKeys.trusting(key, newest.key_changes)


class File(CollectedResponse):
    """A response that the browser gets as a file; an error is kept back."""

    def __init__(self, send: ASGI, name: str) -> None:
        super().__init__()
        self._send = send
        self._disposition = f'attachment; filename="{name}"'.encode()

    async def send(self, message: ASGI) -> None:
        """Send *message* on, unless the response is an error."""
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"content-disposition", self._disposition)]
            message = {**message, "headers": headers}
            self.status = message["status"]
        if self.status >= ERROR:
            await self.collect(message)
        else:
            await self._send(message)
