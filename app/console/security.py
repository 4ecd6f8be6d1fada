"""What keeps a page to itself: its headers, and which requests may change something."""

from secrets import token_urlsafe
from typing import Any

from litestar import Request

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx"
)
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class ForeignRequestError(Exception):
    """Another site sent a request that would change something."""


def new_nonce() -> str:
    """Return what marks our own scripts in one page: 128 random bits."""
    return token_urlsafe(16)


def page_headers(nonce: str) -> dict[str, str]:
    """Return the headers of a page whose scripts have *nonce*."""
    return {**HEADERS, "Content-Security-Policy": POLICY.format(nonce=nonce)}


def own_origin(request: Request[Any, Any, Any], configured: str | None) -> str:
    """Return the origin that browsers see: the *configured* one, else that of the Host header."""
    return configured or f"http://{request.headers.get('host', '')}"


def require_same_origin(request: Request[Any, Any, Any], configured: str | None) -> None:
    """Raise ForeignRequestError if *request* is not from one of our own pages.

    As Go's http.CrossOriginProtection does it: by Sec-Fetch-Site, which every browser of today
    sends to a trustworthy origin, else by Origin. A cookie's SameSite is not enough: a page at
    another port of the same host is of the same site.
    """
    if (site := request.headers.get("sec-fetch-site")) is not None:
        if site != "same-origin":
            raise ForeignRequestError
    elif request.headers.get("origin") != own_origin(request, configured):
        raise ForeignRequestError


def is_from_own_page(request: Request[Any, Any, Any]) -> bool:
    """Return whether one of our own pages led here; where a browser does not say it, it may be."""
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


def is_from_other_site(request: Request[Any, Any, Any]) -> bool:
    """Return whether a link of another site led here: the browser keeps the cookie back then."""
    return request.headers.get("sec-fetch-site") == "cross-site"
