"""Fills a contestant before it is measured, over its own API, so that both hold the same."""

import asyncio
from collections.abc import Sequence

import httpx2
import msgspec
from msgspec import Struct

from tests.benchmarks.http.errors import FailedRequestsError
from tests.benchmarks.http.scenarios import Filled, Workspace, creation

AMOUNT = 20  # integrations a workspace
AT_ONCE = 16


class Data(Struct):
    """What we read of an integration."""

    id: str


class Result(Struct):
    """What we read of a result."""

    data: Data


class Answer(Struct):
    """What we read of the answer to a creation."""

    result: Result


async def fill(address: str, readers: Sequence[str], writers: Sequence[str]) -> Filled:
    """Create AMOUNT integrations in the workspace of each of the tokens *readers*.

    Raises:
        FailedRequestsError: one was not answered 201.
    """
    async with httpx2.AsyncClient(base_url=address, timeout=30) as client:
        shares = (fill_some(client, readers[start::AT_ONCE]) for start in range(AT_ONCE))
        filled = await asyncio.gather(*shares)
    return Filled([workspace for share in filled for workspace in share], writers)


async def fill_some(client: httpx2.AsyncClient, tokens: Sequence[str]) -> list[Workspace]:
    """Fill the workspaces of *tokens*, one creation at a time."""
    return [
        Workspace(token, [await create_one(client, token) for _ in range(AMOUNT)])
        for token in tokens
    ]


async def create_one(client: httpx2.AsyncClient, token: str) -> str:
    """Create one integration; return its id."""
    wanted = creation(token)
    response = await client.post(wanted.path, content=wanted.body, headers=wanted.head())
    if response.status_code != wanted.status:
        message = f"filling was answered {response.status_code}: {response.text[:500]}"
        raise FailedRequestsError(message)
    return msgspec.json.decode(response.content, type=Answer).result.data.id
