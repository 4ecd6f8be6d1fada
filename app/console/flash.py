"""What a page says once of the form that led to it: what is done, and warnings about it.

A cookie carries it, signed with the session: in an address, or in a cookie that another host of the
same domain has set, it could be somebody else's words.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from litestar import Response
from litestar.datastructures import Cookie
from msgspec import DecodeError, Struct
from msgspec.json import decode, encode
from msgspec.structs import replace

from app.console.api_client import Detail
from app.console.mistakes import most_telling
from app.console.security import own_origin
from app.console.visit import AnyRequest, get_console, port_of, session_key

LABEL = b"integrations/console-flash/v1\n"
MAX_WARNINGS = 6
MAX_LENGTH = 3_800  # characters; a browser keeps 4 KiB of a cookie with its name (RFC 6265, 6.1)
MINUTE = 60
DONE = {
    "added": "The connection is added",
    "changed": "The changes are saved",
    "checked": "The check is done",
    "unchecked": "Nothing to check yet: keys or fields are missing",
    "deleted": "The connection is deleted, its keys are destroyed",
    "off": "The connection is switched off",
    "on": "The connection is switched on",
    "replaced": "The keys are replaced",
    "default": "The default is set",
    "default_missing": "The default is set, but its keys or fields are missing: it sends nothing"
    " yet",
    "default_failed": "The default is set, but its newest check failed: look at it before you rely"
    " on it",
    "cleared": "The channel has no default now",
    "same": "Nothing was changed",
    "same_keys": "That key is stored already; nothing has changed",
    "same_on": "It is on already; nothing has changed",
    "same_off": "It is off already; nothing has changed",
}


class Again(Struct, frozen=True):
    """A connection that was deleted: its type, and the public values of its form."""

    type: str
    values: Mapping[str, str]


class Flash(Struct, frozen=True):
    """What is done, as a word of `DONE`; what the API warns of, which repeats no value.

    `outcome` is what a check has found, with its `detail`, and whether it `asks` the provider;
    `name` is that of the connection or channel, `same_name_id` the id of another one of that name.
    """

    done: str = ""
    warnings: tuple[Detail, ...] = ()
    again: Again | None = None
    outcome: str = ""
    detail: str = ""
    asks: bool = True
    name: str = ""
    same_name_id: str = ""

    @property
    def tone(self) -> str:
        """How good the news is: what a check has found, or whether anything has changed."""
        is_same = self.done == "unchecked" or self.done.startswith("same")
        is_same = is_same or (self.outcome == "ok" and not self.asks)
        is_odd = self.done in {"default_missing", "default_failed"}
        return "same" if is_same else "odd" if is_odd else self.outcome or "ok"


NOTHING = Flash()


def carry_flash(request: AnyRequest, path: str, flash: Flash, query: str = "") -> Response[Any]:
    """Return the response that leads on to the page at *path*, which shows *flash*, once."""
    headers = {"Location": f"{path}?{query}" if query else path}
    response = Response("", status_code=303, media_type="text/plain", headers=headers)
    if key := session_key(request):
        response.cookies.append(flash_cookie(request, path, encode_flash(key, path, flash), MINUTE))
    return response


def encode_flash(key: str, path: str, flash: Flash) -> str:
    """Return the cookie's value with *flash* for *path*, cut to what fits, signed with *key*."""
    shown = replace(flash, warnings=(*most_telling(flash.warnings),)[:MAX_WARNINGS])
    payload = urlsafe_b64encode(encode(shown)).decode()
    if len(payload) > MAX_LENGTH:
        payload = urlsafe_b64encode(encode(replace(flash, warnings=(), again=None))).decode()
    return f"{signature(key, path, payload)}.{payload}"


def signature(key: str, path: str, payload: str) -> str:
    """Return the code of *payload* at *path* that only who has the session's *key* can make."""
    return hmac.new(key.encode(), LABEL + f"{path}\n{payload}".encode(), sha256).hexdigest()


def read_flash(request: AnyRequest, path: str) -> Flash:
    """Return what was carried to the page at *path* by a form of this session."""
    given, _, payload = request.cookies.get(flash_name(request), "").partition(".")
    key = session_key(request)
    wanted = signature(key or "", path, payload)
    if not key or not hmac.compare_digest(given.encode(), wanted.encode()):
        return NOTHING
    try:
        return decode(urlsafe_b64decode(payload), type=Flash)
    except (ValueError, DecodeError):  # of another release
        return NOTHING


def end_flash(request: AnyRequest, response: Response[str]) -> None:
    """Let *response* end what was carried to its page."""
    if flash_name(request) in request.cookies:
        response.cookies.append(flash_cookie(request, request.url.path, "", 0))


def flash_name(request: AnyRequest) -> str:
    """Return the name of the cookie."""
    return f"integrations_flash_{port_of(own_origin(request, get_console(request).origin))}"


def flash_cookie(request: AnyRequest, path: str, value: str, max_age: int) -> Cookie:
    """Return the cookie with *value* for the page at *path* alone."""
    origin = own_origin(request, get_console(request).origin)
    return Cookie(
        key=flash_name(request),
        value=value,
        path=path,
        max_age=max_age,
        httponly=True,
        samesite="strict",
        secure=origin.startswith("https:"),
    )
