"""A visit: a page that a person of a session asks for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from litestar import Request
from litestar.datastructures import State
from msgspec import Struct

from app.console.api_client import ASGI, ApiClient, ApiError
from app.console.form_body import read_form
from app.console.resources import IntegrationType, Whoami
from app.console.security import is_from_other_site, own_origin, require_same_origin
from app.console.templates import Templates
from app.console.texts import SETTING, Texts
from app.locales.catalogues import DEFAULT, Catalogues
from app.sign_in.sessions import Sessions
from app.sign_in.sign_in_codes import SignInCodes
from app.web_assets import Asset

PORTS = {"http": 80, "https": 443}
UNAUTHORIZED = 401
SECRET = "secret."  # noqa: S105 — how the names of such fields begin
TYPED = frozenset({"name", "senderEmail", "senderName", "senderPhone", "vapidPublicKey"})
# What may stand in an address: what selects a page, and what a form holds for all to see.
PUBLIC = TYPED | frozenset(
    {
        *("q", "channel", "type", "isActive", "sort", "cursor", "page", "asOf", "kept"),
        *("action", "userId", "actorId", "field", "credentialVersion", "startDate", "endDate"),
    }
)
MAX_PUBLIC_LENGTH = 512  # characters; what is longer is no field's value, and fits no address
MAX_QUERY_LENGTH = 4_000  # characters; what is longer was not typed into our forms
MIN_SECRET_LENGTH = 8  # characters; a shorter one may stand in any text


class SignInNeededError(Exception):
    """There is no session, or it is over; `next` is the page to come back to."""

    def __init__(self, next_page: str) -> None:
        super().__init__()
        self.next = next_page


class ComesBackError(Exception):
    """A link of another site led here, without the cookie: the page asks again by itself."""


class NoSuchPageError(Exception):
    """There is no such page."""


class Console(Struct, frozen=True, kw_only=True):
    """What pages need: the API, the sessions, texts and files; `origin` if it is configured.

    `providers` are the catalogue by language, once somebody has asked for it.
    """

    api: ASGI
    sessions: Sessions
    codes: SignInCodes
    catalogues: Catalogues
    templates: Templates
    assets: dict[str, Asset]
    origin: str | None
    providers: dict[str, Mapping[str, IntegrationType]] = {}


class Visit(Struct, frozen=True):
    """The person at a page: the API as they may use it, and what it says of them."""

    api: ApiClient
    caller: Whoami

    @property
    def workspace(self) -> str:
        """The workspace, for the access log."""
        return self.caller.workspace_id

    def can(self, permission: str) -> bool:
        """Return whether the person has *permission*."""
        return permission in self.caller.permissions


PageRequest = Request[Visit, Texts, State]
AnyRequest = Request[Any, Any, State]


def get_console(request: AnyRequest) -> Console:
    """Return what pages need."""
    return request.app.state["console"]


def find_visit(request: AnyRequest) -> Visit | None:
    """Return the visit that *request* is; None if nobody is signed in."""
    scope: Any = request.scope
    return scope.get("user")


async def prepare_page(request: AnyRequest) -> None:
    """Find the language of *request*, and refuse changes that come from another site.

    It runs before every page, also those without a session.

    Raises:
        NoSuchPageError: the locale in the path is malformed.
        ForeignRequestError: as `require_same_origin`.
    """
    console = get_console(request)
    texts = find_texts(console, request.path_params.get("locale", DEFAULT))
    if texts is None:
        raise NoSuchPageError
    request.scope["auth"] = texts
    if request.method != "GET":
        require_same_origin(request, console.origin)


def find_texts(console: Console, locale: str) -> Texts | None:
    """Return the texts of the language that *locale* means; None if it is malformed."""
    language = console.catalogues.negotiate(locale)
    return language and Texts(language, locale, datetime.now(UTC))


async def open_visit(request: AnyRequest) -> None:
    """Find the session of *request*, and ask the API who it speaks for.

    Raises:
        SignInNeededError: there is no session, or it or its token is over.
        ComesBackError: the browser has kept the cookie back.
        ApiError: the API cannot say it.
        NoSuchPageError, ForeignRequestError: as `prepare_page`.
    """
    await prepare_page(request)
    console = get_console(request)
    cookie = session_key(request)
    token = await console.sessions.token(cookie) if cookie else None
    if token is None:
        if cookie is None and is_from_other_site(request):
            raise ComesBackError
        raise SignInNeededError(await page_to_come_back_to(request))
    api = ApiClient(console.api, request.scope, request.receive, token, request.auth.locale)
    try:
        caller = await api.get(Whoami, "whoami")
    except ApiError as error:
        if error.status == UNAUTHORIZED:
            raise SignInNeededError(await page_to_come_back_to(request)) from None
        raise
    request.scope["user"] = Visit(api, caller.data)


async def page_to_come_back_to(request: AnyRequest) -> str:
    """Return the address of the page of *request*, with what was typed there that is no secret."""
    if request.method == "GET":
        query = urlencode(lasting_parameters(request))
        return f"{request.url.path}?{query}" if query else request.url.path
    try:
        values = public_values(await read_form(request))
    except ApiError:  # no form of ours
        return request.url.path
    typed = {name: value for name, value in values.items() if len(value) <= MAX_PUBLIC_LENGTH}
    query = urlencode(typed if any(map(is_typed, typed)) else {})
    return f"{request.url.path}?{query}" if 0 < len(query) <= MAX_QUERY_LENGTH else request.url.path


def public_values(form: Mapping[str, str]) -> dict[str, str]:
    """Return what *form* holds for all to see, if it does not repeat a secret of the same form."""
    secrets = [value for name, value in form.items() if name.startswith(SECRET)]
    hidden = [value for value in map(str.strip, secrets) if len(value) >= MIN_SECRET_LENGTH]
    return {
        name: value
        for name, value in form.items()
        if value and is_public(name) and not any(secret in value for secret in hidden)
    }


def lasting_parameters(request: AnyRequest) -> list[tuple[str, str]]:
    """Return the parameters of *request* that select what its page shows."""
    return [each for each in parse_qsl(request.url.query) if is_public(each[0])]


def is_typed(name: str) -> bool:
    """Return whether the public field *name* of a form is one to type into, not a button's."""
    return name in TYPED or name.startswith(SETTING)


def is_public(name: str) -> bool:
    """Return whether the field *name* of a form may stand in an address."""
    return name in PUBLIC or is_typed(name)


def session_key(request: AnyRequest) -> str | None:
    """Return what the browser has of its session; None if it has none."""
    return request.cookies.get(cookie_name(own_origin(request, get_console(request).origin)))


def cookie_name(origin: str) -> str:
    """Return the name of the session's cookie at *origin*."""
    prefix = "__Host-" if origin.startswith("https:") else ""
    return f"{prefix}integrations_{port_of(origin)}"


def port_of(origin: str) -> int:
    """Return the port of *origin*, which names of cookies hold: browsers share them among ports."""
    parts = urlsplit(origin)
    return parts.port or PORTS[parts.scheme]
