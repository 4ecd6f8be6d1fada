"""Who had access: which worker asked for the keys of which connection, and got them or not."""

from collections.abc import Mapping, Sequence

from litestar import Controller, Response, get
from msgspec import Struct

from app.console.actor_filter import choices_of, find_person, load_newest, unknown_person
from app.console.filters import load_filtered
from app.console.page import render_page
from app.console.pages.changes import FIELDS, load_names
from app.console.pages.history import REFUSALS, group_by_day, render_lacking
from app.console.pages.integrations import CHANNELS
from app.console.pages.subject import AUDIT, load_subject
from app.console.resources import Access
from app.console.texts import Texts
from app.console.visit import PageRequest, open_visit

PAGE_SIZE = "20"
FILTERS = ("actorId", "field", "credentialVersion", "startDate", "endDate")
SECRETS = ("apiKey", "apiSecret", "vapidPrivateKey")
GRANTED = "GRANTED"
OUTCOMES = {
    GRANTED: "Got the keys",
    "INTEGRATION_INACTIVE": "Refused: the connection was switched off",
    "RECIPIENT_REQUIRED": "Refused: the token named no key to seal to",
    "NO_DEFAULT": "Refused: the channel had no default",
    "DEFAULT_INACTIVE": "Refused: the default was switched off or deleted",
}
DEFAULT = "def_"  # and a channel: what a worker asked for where no connection was chosen


class AccessPages(Controller):
    """The accesses to the keys of the workspace, and to those of one connection."""

    path = "/console/{locale:str}"
    before_request = open_visit
    include_in_schema = False

    @get("/accesses")
    async def show_all(self, request: PageRequest) -> Response[str]:
        """Show who asked for keys in the workspace."""
        return await render_accesses(request, None)

    @get("/integrations/{integration:str}/accesses")
    async def show_one(self, request: PageRequest) -> Response[str]:
        """Show who asked for the keys of one connection, which may be deleted."""
        return await render_accesses(request, request.path_params["integration"])


class AccessWords(Struct, frozen=True):
    """What turns an access into words: the language, and the names of connections."""

    texts: Texts
    names: Mapping[str, str]

    def outcome(self, access: Access) -> str:
        """Return what came of it."""
        known = OUTCOMES.get(access.outcome)
        return self.texts.text(known) if known else access.outcome

    def name(self, access: Access) -> str:
        """Return what the worker asked for."""
        if access.integration_id.startswith(DEFAULT):
            channel = access.integration_id.removeprefix(DEFAULT)
            return self.texts.text(CHANNELS[channel]) if channel in CHANNELS else channel
        return self.names.get(access.integration_id, access.integration_id)

    def keys(self, access: Access) -> list[str]:
        """Return the keys that were given out, each with its version."""
        return [
            self.texts.text(
                "{field}, version {number}",
                field=self.texts.text(FIELDS.get(secret.field, secret.field)),
                number=secret.version,
            )
            for secret in access.credentials
        ]


async def render_accesses(request: PageRequest, integration: str | None) -> Response[str]:
    """Return the page of the accesses that the address selects."""
    if not request.user.can(AUDIT):
        return render_lacking(request, AUDIT)
    subject = integration and await load_subject(request, integration)
    query = {name: request.query_params.get(name) or None for name in (*FILTERS, "cursor")}
    path = f"integration/{integration}/accesses" if integration else "integration-accesses"
    newest = await load_newest(request.user.api, Access, path)
    workers = choices_of(access.actor for access in newest)
    query["actorId"] = worker = find_person(workers, query["actorId"])
    query["limit"] = PAGE_SIZE
    found, problem = await load_filtered(request, list[Access], path, query, REFUSALS)
    if worker and worker not in workers and not found.data:
        problem = problem or unknown_person(request, "actorId")
    return render_page(
        request,
        "accesses.html",
        problem.status if problem else 200,
        problem=problem,
        cursor=query["cursor"],
        days=group_by_day(request, found.data),
        filters={name: query[name] or "" for name in FILTERS},
        following=found.next_cursor,
        secrets={name: request.auth.text(FIELDS[name]) for name in SECRETS},
        subject=subject,
        words=await load_words(request, found.data),
        workers=workers,
    )


async def load_words(request: PageRequest, accesses: Sequence[Access]) -> AccessWords:
    """Return what says *accesses* in words."""
    wanted = {each.integration_id for each in accesses}
    integrations = sorted(each for each in wanted if not each.startswith(DEFAULT))
    return AccessWords(request.auth, await load_names(request, integrations))
