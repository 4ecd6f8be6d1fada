"""What tests of checks create, and where."""

from collections.abc import Mapping
from typing import Any

import httpx2

PATH = "/en/api/integration"
SENDGRID = {
    "name": "n",
    "type": "SENDGRID",
    "channel": "EMAIL",
    "apiKey": "SG." + "k" * 22 + "." + "y" * 43,
}
TWILIO = {
    "name": "t",
    "type": "TWILIO",
    "channel": "SMS",
    "apiKey": "AC" + "0" * 32,
    "apiSecret": "5ec2e7" + "1" * 26,
}


def created(client: httpx2.Client, body: Mapping[str, Any]) -> str:
    """Create an integration; return its id."""
    response = client.post(PATH, json=dict(body))
    assert response.status_code == 201, response.text
    return response.json()["result"]["data"]["id"]
