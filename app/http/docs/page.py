"""The docs page at /docs and the OpenAPI document at /docs/openapi.json, as one Litestar value."""

from html import escape
from pathlib import Path
from string import Template
from typing import Any

from litestar import Request, Response, Router
from litestar.constants import OPENAPI_JSON_HANDLER_NAME
from litestar.datastructures import ResponseHeader
from litestar.exceptions import NotFoundException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin

from app.web_assets import asset_route, read_asset

FOLDER = Path(__file__).parent
PATH = "/docs"
ASSETS = "/assets"  # below it
# Nothing but our own files, and no inline script or style. `data:` is for the icons in Swagger
# UI's style sheet; `connect-src` is for the document and for the page's "Try it out".
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DocsPage(OpenAPIRenderPlugin):
    """Swagger UI from our own files (Litestar's own plugin writes CDN addresses)."""

    def __init__(self) -> None:
        super().__init__(path="/", favicon="", style="")
        self._template = Template((FOLDER / "page.html").read_text("utf-8"))
        self._style = read_asset(FOLDER / "swagger_ui/swagger-ui.css", ASSETS)
        self._bundle = read_asset(FOLDER / "swagger_ui/swagger-ui-bundle.js", ASSETS)
        self._start = read_asset(FOLDER / "start.js", ASSETS)

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page; it fetches the document itself."""
        values = {
            "title": openapi_schema["info"]["title"],
            "style": PATH + self._style.path,
            "bundle": PATH + self._bundle.path,
            "start": PATH + self._start.path,
            "document": request.app.route_reverse(OPENAPI_JSON_HANDLER_NAME),
        }
        return self._template.substitute({k: escape(v) for k, v in values.items()}).encode()

    def receive_router(self, router: Router) -> None:
        """Add the page's files to the routes under /docs."""
        for asset in (self._style, self._bundle, self._start):
            router.register(asset_route(asset))


def docs_config(
    title: str,
    version: str,
    *,
    description: str | None = None,
    document: JsonRenderPlugin | None = None,
) -> OpenAPIConfig:
    """Return the value for `Litestar(openapi_config=…)`: /docs, /docs/openapi.json, /docs/assets/….

    *document* renders /docs/openapi.json; without it, it is as Litestar makes it.

    Any other path under /docs raises `NotFoundException`, for the app's exception handlers.
    """
    return OpenAPIConfig(
        title=title,
        version=version,
        description=description,
        use_handler_docstrings=True,
        openapi_router=docs_router(),
        render_plugins=[DocsPage(), document or JsonRenderPlugin()],
    )


def docs_router() -> Router:
    """Return the router of all under /docs, with the headers that keep the page to itself."""
    return Router(
        PATH,
        route_handlers=[],
        include_in_schema=False,
        after_request=refuse_unknown_path,
        response_headers=[
            ResponseHeader(name="Content-Security-Policy", value=POLICY),
            ResponseHeader(name="Referrer-Policy", value="no-referrer"),
        ],
    )


def refuse_unknown_path(response: Response[Any]) -> Response[Any]:
    """Raise `NotFoundException` instead of the HTML page of 404 that Litestar adds under /docs."""
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response
