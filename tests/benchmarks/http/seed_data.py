"""Fills a server over its own API before it is measured, so that both hold the same data."""

import asyncio
from collections.abc import Sequence

import httpx2
import msgspec
from msgspec import Struct

from tests.benchmarks.errors import FailedRequestsError
from tests.benchmarks.http.scenarios import SeedData, Workspace, create_request

INTEGRATIONS_PER_WORKSPACE = 20  # integrations a workspace
CONCURRENCY = 16


class Data(Struct):
    """What we read of an integration."""

    id: str


class Result(Struct):
    """What we read of a result."""

    data: Data


class CreationResponse(Struct):
    """What we read of the response to a creation."""

    result: Result


async def fill(address: str, readers: Sequence[str], writers: Sequence[str]) -> SeedData:
    """Create INTEGRATIONS_PER_WORKSPACE integrations for each of the tokens *readers*.

    Raises:
        FailedRequestsError: a response was not 201.
    """
    async with httpx2.AsyncClient(base_url=address, timeout=30) as client:
        parts = (
            fill_workspaces(client, readers[start::CONCURRENCY]) for start in range(CONCURRENCY)
        )
        data = await asyncio.gather(*parts)
    return SeedData([workspace for part in data for workspace in part], writers)


async def fill_workspaces(client: httpx2.AsyncClient, tokens: Sequence[str]) -> list[Workspace]:
    """Fill the workspaces of *tokens*, one creation at a time."""
    return [
        Workspace(
            token,
            [await create_integration(client, token) for _ in range(INTEGRATIONS_PER_WORKSPACE)],
        )
        for token in tokens
    ]


async def create_integration(client: httpx2.AsyncClient, token: str) -> str:
    """Create one integration; return its id."""
    wanted = create_request(token)
    response = await client.post(wanted.path, content=wanted.body, headers=wanted.headers())
    if response.status_code != wanted.status:
        message = f"filling got a response {response.status_code}: {response.text[:500]}"
        raise FailedRequestsError(message)
    return msgspec.json.decode(response.content, type=CreationResponse).result.data.id
