"""How a person comes in and out: by a link that counts once, or with a token."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from litestar import Controller, Response, get, post
from litestar.datastructures import Cookie

from app.console.api_client import ApiClient, ApiError
from app.console.form_body import read_form
from app.console.page import page_path, redirect, render_page
from app.console.resources import Whoami
from app.console.security import is_from_own_page, own_origin
from app.console.visit import (
    UNAUTHORIZED,
    AnyRequest,
    PageRequest,
    cookie_name,
    get_console,
    open_visit,
    prepare_page,
    session_key,
)
from app.locales.catalogues import DEFAULT
from app.pasted_text import BLANK

# A page of ours, but not of signing in, and with nothing that a browser could read otherwise.
OUR_PAGE = re.compile(r"/console/[A-Za-z0-9-]+/(?!sign-|enter)[A-Za-z0-9_./-]+(\?[!-\[\]-~]*)?")
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
SESSION, NEXT = "", "_next"  # how the names of cookies end
NEXT_SECONDS = 15 * 60  # for a link that is still to be asked for
MAX_NEXT_LENGTH = 3_800  # characters; a browser keeps 4 KiB of a cookie with its name


def preferred_locale(request: AnyRequest) -> str:
    """Return the first language of Accept-Language that we have; English if there is none."""
    known = get_console(request).catalogues.languages
    for part in request.headers.get("accept-language", "")[:1000].split(","):
        tag = part.partition(";")[0].strip().lower()
        if language := known.get(tag) or known.get(tag.partition("-")[0]):
            return language.tag
    return DEFAULT


@get("/console", include_in_schema=False)
async def welcome(request: AnyRequest) -> Response[Any]:
    """Lead to the connections, in the language of the browser."""
    return redirect(f"/console/{preferred_locale(request)}/integrations")


@get("/console/enter", include_in_schema=False)
async def enter(request: AnyRequest) -> Response[str]:
    """Show the page of a link: its script reads the code, which no server sees, and asks on."""
    request.path_params["locale"] = preferred_locale(request)
    await prepare_page(request)
    return render_page(request, "enter.html", code=None, caller=None)


class SignInPages(Controller):
    """Signing in and out, and the session itself."""

    path = "/console/{locale:str}"
    include_in_schema = False

    @get("/sign-in", before_request=prepare_page)
    async def show(self, request: AnyRequest) -> Response[Any]:
        """Ask for a token, or lead on if the browser has signed in meanwhile."""
        if await is_signed_in(request):
            return redirect(next_page(request))
        lost = "lost" in request.query_params and is_from_own_page(request)
        asked = request.query_params.get("next", "")
        typed = "?" in asked  # the form that is lost held something to come back to
        response = render_page(request, "sign_in.html", wrong=False, lost=lost, typed=typed)
        wanted = quote(asked)
        if wanted and len(wanted) <= MAX_NEXT_LENGTH:
            response.cookies.append(own_cookie(request, NEXT, wanted, NEXT_SECONDS))
        return response

    @post("/sign-in", before_request=prepare_page, status_code=200)
    async def sign_in(self, request: AnyRequest) -> Response[Any]:
        """Open a session for a token that was pasted."""
        form = await read_form(request)
        token = read_token(form.get("secret.token", ""))
        caller = await ask_who(request, token)
        if caller is None:
            return render_page(request, "sign_in.html", 422, wrong=True, lost=False, typed=False)
        return await open_session(request, token, caller)

    @get("/")
    async def show_start(self, request: AnyRequest) -> Response[Any]:
        """Lead to the connections."""
        await prepare_page(request)
        return redirect(page_path(request, "integrations"))

    @get("/enter", before_request=prepare_page)
    async def show_entrance(self, request: AnyRequest) -> Response[Any]:
        """Lead to the connections: who comes back to this page has used the link."""
        return redirect(page_path(request, "integrations"))

    @post("/enter", before_request=prepare_page, status_code=200)
    async def confirm(self, request: AnyRequest) -> Response[Any]:
        """Say who the code of a link is for; open the session once the person has agreed."""
        form, codes = await read_form(request), get_console(request).codes
        code, agreed = form.get("secret.code", ""), "agreed" in form
        token = await codes.peek(code)
        caller = await ask_who(request, token) if token else None
        if caller and not agreed:
            return render_page(request, "enter.html", code=code, caller=caller)
        # Taken last: a link is not used up by an API that is away.
        if token is None or caller is None or await codes.take(code) is None:
            return render_page(request, "enter.html", 422, code="", caller=None)
        return await open_session(request, token, caller)

    @get("/session", before_request=open_visit)
    async def session(self, request: PageRequest) -> Response[str]:
        """Show whose session this is, what it allows, and until when."""
        return render_page(request, "session.html")

    @post("/sign-out", before_request=prepare_page, status_code=200)
    async def sign_out(self, request: AnyRequest) -> Response[Any]:
        """Close the session, here and at the server."""
        if cookie := session_key(request):
            await get_console(request).sessions.close(cookie)
        response = redirect(page_path(request, "sign-in"))
        response.cookies = [own_cookie(request, SESSION, "", max_age=0)]
        return response


def next_page(request: AnyRequest) -> str:
    """Return the page to show next: one of ours that was wanted before, or the connections."""
    kept = request.cookies.get(name_of(request, NEXT), "")
    wanted = request.query_params.get("next", kept)
    ours = OUR_PAGE.fullmatch(wanted) and ".." not in wanted
    return wanted if ours else page_path(request, "integrations")


async def is_signed_in(request: AnyRequest) -> bool:
    """Return whether the browser has a session, whose token still counts."""
    cookie = session_key(request)
    token = await get_console(request).sessions.token(cookie) if cookie else None
    return token is not None and await ask_who(request, token) is not None


def read_token(pasted: str) -> str:
    """Return the token in *pasted*, without line breaks in it, quotes, `Bearer` and `TOKEN=`."""
    text = BLANK.sub("", pasted)
    found = TOKEN.search(text)
    return found[0] if found else text


async def ask_who(request: AnyRequest, token: str) -> Whoami | None:
    """Return who *token* speaks for; None if it is not valid."""
    if not token.isascii() or not token.isprintable():
        return None
    api = ApiClient(
        get_console(request).api, request.scope, request.receive, token, request.auth.locale
    )
    try:
        return (await api.get(Whoami, "whoami")).data
    except ApiError as error:
        if error.status == UNAUTHORIZED:
            return None
        raise


async def open_session(request: AnyRequest, token: str, caller: Whoami) -> Response[Any]:
    """Open the session of *caller* and lead on to the page that was wanted."""
    expires_at = datetime.fromisoformat(caller.expires_at).timestamp()
    cookie = await get_console(request).sessions.open(token, expires_at)
    response = redirect(next_page(request))
    response.cookies = [own_cookie(request, SESSION, cookie)]
    if name_of(request, NEXT) in request.cookies:
        response.cookies.append(own_cookie(request, NEXT, "", max_age=0))
    return response


def name_of(request: AnyRequest, purpose: str) -> str:
    """Return the name of our cookie for *purpose*."""
    return f"{cookie_name(own_origin(request, get_console(request).origin))}{purpose}"


def own_cookie(request: AnyRequest, purpose: str, value: str, max_age: int | None = None) -> Cookie:
    """Return the cookie with *value*, which scripts cannot read and no other site can send."""
    secure = own_origin(request, get_console(request).origin).startswith("https:")
    return Cookie(
        key=name_of(request, purpose),
        value=value,
        path="/" if secure else "/console",
        httponly=True,
        samesite="strict",
        secure=secure,
        max_age=max_age,
    )
