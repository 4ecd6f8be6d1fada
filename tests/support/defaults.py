"""The defaults of a workspace's channels, as a client chooses and reads them."""

from typing import Any

import httpx2

PATH, DEFAULTS = "/en/api/integration", "/en/api/integration-defaults"
EMAIL = f"{DEFAULTS}/EMAIL"
SECRET = "SG.a-key-of-the-default"  # noqa: S105 — of no provider


def choose(client: httpx2.Client, integration: str, **more: Any) -> httpx2.Response:
    """Make an integration the default for email."""
    return client.put(EMAIL, json={"integrationId": integration}, **more)


def toggle(client: httpx2.Client, integration: str, *, on: bool) -> dict[str, Any]:
    """Switch an integration on or off; return the result."""
    return client.post(f"{PATH}/{integration}/toggle", json={"isActive": on}).json()["result"]


def states(client: httpx2.Client, **query: Any) -> dict[str, tuple[str, str]]:
    """Return integration and state of the default of each channel."""
    listed = client.get(DEFAULTS, params=query).json()["result"]
    assert listed["totalCount"] == len(listed["data"])
    return {each["channel"]: (each["integrationId"], each["state"]) for each in listed["data"]}


def accesses(client: httpx2.Client, **query: Any) -> list[tuple[str, str]]:
    """Return integration and outcome of each entry of the access journal."""
    listed = client.get("/en/api/integration-accesses", params=query).json()["result"]["data"]
    return [(each["integrationId"], each["outcome"]) for each in listed]
