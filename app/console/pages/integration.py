"""One connection: what it is, whether it works, and which keys it has."""

import asyncio
from collections.abc import Mapping
from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from app.console.api_client import ApiError, Detail
from app.console.flash import carry_flash
from app.console.form_body import read_form
from app.console.forms import FormField, message_of, provider_fields
from app.console.page import render_page
from app.console.pages.checks import load_checks
from app.console.pages.integrations import (
    CHANNELS,
    load_defaults,
    load_types,
    switch_or_check,
)
from app.console.pages.subject import AUDIT, NOT_FOUND, DeletedError, load_subject
from app.console.problems import KEEP_PAGE, Problem, api_problem
from app.console.resources import Credentials, Integration, IntegrationType
from app.console.texts import Texts
from app.console.visit import AnyRequest, PageRequest, open_visit


class Connection(Struct, frozen=True):
    """A connection as all of its pages show it; `type` is None if the provider is retired."""

    integration: Integration
    type: IntegrationType | None
    etag: str | None

    @property
    def provider(self) -> str:
        """The name of the provider."""
        return self.type.display_name if self.type else self.integration.type

    @property
    def fields(self) -> list[FormField]:
        """The fields and settings of its provider."""
        return provider_fields(self.type) if self.type else []

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its fields and settings, by their names."""
        return self.type.labels if self.type else {}

    @property
    def secrets(self) -> set[str]:
        """The names of the fields that are secret."""
        return {field.name for field in self.fields if field.secret}

    def message(self, texts: Texts, warning: Detail) -> str:
        """Return what *warning* says, by the labels of its fields."""
        return message_of(texts, self.fields, warning)

    def missing(self, credentials: Credentials) -> list[FormField]:
        """Return the fields that its provider requires, and that nobody has set."""
        stored = [each.field for each in credentials.credentials if each.is_set]
        names = self.type.missing(self.integration, stored) if self.type else set[str]()
        return [field for field in self.fields if field.name in names]

    @property
    def facts(self) -> list[tuple[str, str, str]]:
        """What it holds for all to see: name, label and value of each field."""
        labels, values, secret = self.labels, self.integration.values, self.secrets
        names = dict.fromkeys((*labels, *values))
        return [
            (name, labels.get(name, name), values.get(name, ""))
            for name in names
            if name not in secret and name != "name"
        ]


class IntegrationPage(Controller):
    """The overview of a connection."""

    path = "/console/{locale:str}/integrations/{integration:str}"
    before_request = open_visit
    include_in_schema = False

    @get()
    async def show(self, request: PageRequest, integration: FromPath[str]) -> Response[str]:
        """Show the connection, and the warnings of the change that led here."""
        return await render_overview(request, integration)

    @post(status_code=200)
    async def change(self, request: PageRequest, integration: FromPath[str]) -> Response[Any]:
        """Switch the connection on or off, or check it."""
        form = {**await read_form(request), "integration": integration}
        try:
            flash = await switch_or_check(request, form)
        except ApiError as error:
            return await render_overview(request, integration, api_problem(request, error))
        return carry_flash(request, request.url.path, flash)


async def render_overview(
    request: PageRequest, integration: str, problem: Problem | None = None
) -> Response[str]:
    """Return the overview of *integration*, with *problem* above it if there is one."""
    connection = await load_connection(request, integration)
    credentials, checks, default = await asyncio.gather(
        load_credentials(request, integration),
        load_checks(request.user.api, [integration]),
        is_default(request, integration),
    )
    return render_connection(
        request,
        "integration.html",
        connection,
        problem.status if problem else 200,
        KEEP_PAGE if problem else {},
        check=checks.get(integration),
        credentials=credentials,
        is_default=default,
        missing=connection.missing(credentials),
        problem=problem,
    )


async def load_connection(request: PageRequest, integration: str) -> Connection:
    """Return *integration* and its provider; raise ApiError or DeletedError if it is not there."""
    api = request.user.api
    try:
        found, types = await asyncio.gather(
            api.get(Integration, f"integration/{integration}"), load_types(request)
        )
    except ApiError as error:
        if error.status != NOT_FOUND or not request.user.can(AUDIT):
            raise
        raise DeletedError(await load_subject(request, integration)) from None
    return Connection(found.data, types.get(found.data.type), found.etag)


def show_deleted(request: AnyRequest, error: DeletedError) -> Response[str]:
    """Return the page of a connection that was deleted: who did it, and what is left of it."""
    return render_page(request, "deleted.html", NOT_FOUND, subject=error.subject)


async def load_credentials(request: PageRequest, integration: str) -> Credentials:
    """Return what is known of the secrets of *integration*."""
    path = f"integration/{integration}/credentials"
    return (await request.user.api.get(Credentials, path)).data


async def is_default(request: PageRequest, integration: str) -> bool:
    """Return whether a channel is sent with *integration*."""
    defaults = await load_defaults(request.user.api)
    return any(each.integration_id == integration for each in defaults)


def render_connection(
    request: PageRequest,
    template: str,
    connection: Connection,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> Response[str]:
    """Return the page *template* of *connection*, below its name and tabs."""
    shown = connection_values(request, connection)
    return render_page(request, template, status, headers, **shown, **values)


def connection_values(request: PageRequest, connection: Connection) -> dict[str, Any]:
    """Return what each page of *connection* shows."""
    return {
        "channel": request.auth.text(CHANNELS[connection.integration.channel]),
        "connection": connection,
        "integration": connection.integration,
    }
