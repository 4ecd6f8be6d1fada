"""The application of the console, in front of the API that it is a client of."""

from zlib import crc32

from litestar import Litestar
from litestar.datastructures import State

from app.console.api_client import ASGI
from app.console.assets import read_assets
from app.console.pages.accesses import AccessPages
from app.console.pages.add import AddPages
from app.console.pages.audit import AuditPage
from app.console.pages.credentials import CredentialsPage
from app.console.pages.defaults import DefaultsPage
from app.console.pages.delete import DeletePage
from app.console.pages.edit import EditPage
from app.console.pages.history import HistoryPages
from app.console.pages.integration import IntegrationPage, show_deleted
from app.console.pages.integrations import IntegrationsPage
from app.console.pages.past import PastPages
from app.console.pages.sign_in import SignInPages, enter, welcome
from app.console.pages.subject import DeletedError
from app.console.problems import handle_error
from app.console.templates import Templates
from app.console.visit import Console
from app.locales.catalogues import Catalogues
from app.settings import MAX_BODY_BYTES
from app.sign_in.sessions import Sessions
from app.sign_in.sign_in_codes import SignInCodes
from app.web_assets import asset_route

PATH = "/console"
HUES = 8
PAGES = (
    welcome,
    enter,
    SignInPages,
    IntegrationsPage,
    AddPages,
    IntegrationPage,
    EditPage,
    CredentialsPage,
    DeletePage,
    HistoryPages,
    PastPages,
    AuditPage,
    AccessPages,
    DefaultsPage,
)


class ConsoleFront:
    """Serves /console and all below it, and leaves every other request to *api*."""

    def __init__(self, api: ASGI, console: ASGI) -> None:
        self.api = api
        self.console = console

    async def __call__(self, scope: ASGI, receive: ASGI, send: ASGI) -> None:
        """Handle one request; scopes other than HTTP are the API's."""
        path = scope.get("path", "")
        here = scope["type"] == "http" and (path == PATH or path.startswith(f"{PATH}/"))
        await (self.console if here else self.api)(scope, receive, send)


def create_console(
    sessions: Sessions, codes: SignInCodes, catalogues: Catalogues, origin: str | None, api: ASGI
) -> ConsoleFront:
    """Return *api* with the console in front; *origin* is that of browsers, if it is configured."""
    assets = read_assets()
    console = Console(
        api=api,
        sessions=sessions,
        codes=codes,
        catalogues=catalogues,
        templates=Templates({"hue": hue}),
        assets=assets,
        origin=origin,
    )
    litestar = Litestar(
        route_handlers=[*PAGES, *map(asset_route, assets.values())],
        state=State({"console": console}),
        exception_handlers={Exception: handle_error, DeletedError: show_deleted},
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    return ConsoleFront(api, litestar)


def hue(name: str) -> int:
    """Return the colour of the monogram of *name*, the same at every place and time."""
    return crc32(name.encode()) % HUES
