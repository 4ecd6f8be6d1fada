"""Deleting a connection: what is destroyed, what to do instead, and the name to be sure."""

from typing import Any
from unicodedata import normalize

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from app.console.api_client import ApiError, ApiRequest
from app.console.confirmations import repeat_headers
from app.console.flash import Again, Flash, carry_flash
from app.console.form_body import read_form
from app.console.forms import Refusal, next_key
from app.console.page import page_path
from app.console.pages.integration import (
    Connection,
    is_default,
    load_connection,
    load_credentials,
    render_connection,
)
from app.console.problems import KEEP_PAGE, Problem, api_problem
from app.console.visit import PageRequest, open_visit


class DeletePage(Controller):
    """The page on which a connection is deleted."""

    path = "/console/{locale:str}/integrations/{integration:str}/delete"
    before_request = open_visit
    include_in_schema = False

    @get()
    async def show(self, request: PageRequest, integration: FromPath[str]) -> Response[str]:
        """Say what would be destroyed."""
        connection = await load_connection(request, integration)
        return await render_delete(request, connection, next_key())

    @post(status_code=200)
    async def delete(self, request: PageRequest, integration: FromPath[str]) -> Response[Any]:
        """Delete the connection whose name was typed; the list offers to add it again."""
        form, path = await read_form(request), f"integration/{integration}"
        connection = await load_connection(request, integration)
        may_delete = request.user.can("integrations:delete")  # else the API refuses, and logs that
        is_named = name_to_type(form.get("confirmation", "")) == name_to_type(
            connection.integration.name
        )
        if may_delete and not is_named:
            return await render_delete(request, connection, next_key(), wrong_name(request))
        try:
            await request.user.api.send(
                object, ApiRequest(method="DELETE", path=path, headers=repeat_headers(form))
            )
        except ApiError as error:
            key = next_key(Refusal(form, error))
            return await render_delete(request, connection, key, api_problem(request, error))
        flash = Flash("deleted", again=add_again(connection), name=connection.integration.name)
        return carry_flash(request, page_path(request, "integrations"), flash)


async def render_delete(
    request: PageRequest, connection: Connection, key: str, problem: Problem | None = None
) -> Response[str]:
    """Return the page, with *problem* above it if there is one."""
    credentials = await load_credentials(request, connection.integration.id)
    return render_connection(
        request,
        "delete.html",
        connection,
        problem.status if problem else 200,
        KEEP_PAGE if problem and problem.passes else {},
        is_default=await is_default(request, connection.integration.id),
        key=key,
        name=name_to_type(connection.integration.name),
        problem=problem,
        secrets=[each for each in credentials.credentials if each.is_set],
        wrong=problem is not None and not problem.request_id,
    )


def add_again(connection: Connection) -> Again | None:
    """Return all that it was, but the keys; None if its provider is not offered any more."""
    if connection.type is None:
        return None
    integration = connection.integration
    state = {} if integration.is_active else {"isActive": "false"}
    return Again(integration.type, {**integration.values, **state})


def wrong_name(request: PageRequest) -> Problem:
    """Return the problem that another name was typed."""
    title = request.auth.text("This is not its name, so nothing is deleted")
    return Problem(status=422, title=title, text=title)


def name_to_type(name: str) -> str:
    """Return *name* as a person can type it: browsers show several spaces as one."""
    return normalize("NFC", " ".join(name.split()))
