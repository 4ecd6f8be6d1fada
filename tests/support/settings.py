"""Settings of an integration: what tests send, and how they read the responses."""

from typing import Any

import httpx2

from app.providers.registry import load_providers

Json = dict[str, Any]
PATH = "/en/api/integration"
PROVIDERS = load_providers()
EXAMPLE = "AC" + "0" * 32
SID, KEY_SID = "AC" + "0a" * 16, "SK" + "0a" * 16
NO_CONTACT = ("settings.contact", "INVALID_FORMAT")


def body_of(type_: str, **more: object) -> Json:
    """Return a body that creates an integration of the type."""
    return {"name": "n", "type": type_, "channel": PROVIDERS[type_].channel, **more}


def created(client: httpx2.Client, body: Json) -> Json:
    """Create an integration; return it."""
    response = client.post(PATH, json=body)
    assert response.status_code == 201, response.text
    return response.json()["result"]["data"]


def shown(client: httpx2.Client, path: str) -> Any:
    """Return what a GET shows."""
    response = client.get(path)
    assert response.status_code == 200, response.text
    return response.json()["result"]["data"]


def wrong(details: list[Json]) -> list[tuple[str, str]]:
    """Return field and code of each detail."""
    return [(each["field"], each["code"]) for each in details]
