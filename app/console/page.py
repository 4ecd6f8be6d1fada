"""How a page is made: its template, what every page shows, and the headers that protect it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from litestar import Response

from app.console.flash import DONE, NOTHING, Flash, end_flash, read_flash
from app.console.security import new_nonce, page_headers
from app.console.visit import AnyRequest, find_visit, get_console, lasting_parameters


def render_page(
    request: AnyRequest,
    template: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> Response[str]:
    """Return the page of *template* with *values*."""
    nonce = new_nonce()
    # What a form has led to is no page that refuses one.
    is_shown = request.method == "GET" and values.get("problem") is None
    flash = read_flash(request, request.url.path) if is_shown else NOTHING
    shown = {**shared_values(request, flash, nonce), **values}
    body = get_console(request).templates.render(template, shown)
    response = Response(
        body,
        status_code=status,
        media_type="text/html",
        headers={**page_headers(nonce), **history_headers(request), **(headers or {})},
    )
    if is_shown:
        end_flash(request, response)
    return response


def shared_values(request: AnyRequest, flash: Flash, nonce: str) -> dict[str, object]:
    """Return what every page shows."""
    visit, done = find_visit(request), DONE.get(flash.done)
    return {
        "assets": get_console(request).assets,
        "can": visit.can if visit else refuse,
        "done": done and request.auth.text(done),
        "flash": flash,
        "languages": languages(request),
        "locale": request.auth.locale,
        "nonce": nonce,
        "path": request.url.path,
        "problem": None,
        "t": request.auth.text,
        "texts": request.auth,
        "visit": visit,
    }


def refuse(_: str) -> bool:
    """Allow nothing: nobody is signed in."""
    return False


def languages(request: AnyRequest) -> list[dict[str, str]]:
    """Return the languages, each with its name and the address of this page in it."""
    path, query = request.url.path, urlencode(lasting_parameters(request))
    _, _, rest = path.removeprefix("/console/").partition("/")
    return [
        {
            "tag": language.tag,
            "name": request.auth.language_name(language.tag),
            "url": f"/console/{language.tag}/{rest}{'?' + query if query else ''}",
        }
        for _, language in sorted(get_console(request).catalogues.languages.items())
    ]


def history_headers(request: AnyRequest) -> dict[str, str]:
    """Return what keeps a page from standing twice in the browser's history."""
    here = urlsplit(request.headers.get("hx-current-url", ""))
    same = (here.path, here.query) == (request.url.path, request.url.query)
    return {"HX-Replace-Url": "true"} if same else {}


def redirect(path: str, query: Mapping[str, str | None] | None = None) -> Response[Any]:
    """Return the response that leads on to *path* by GET."""
    given = {name: value for name, value in (query or {}).items() if value}
    location = f"{path}?{urlencode(given)}" if given else path
    return Response("", status_code=303, media_type="text/plain", headers={"Location": location})


def page_path(request: AnyRequest, *parts: str) -> str:
    """Return the address of the page of *parts* in the language of *request*."""
    return "/".join((f"/console/{request.auth.locale}", *parts))
