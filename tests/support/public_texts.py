"""Bodies with secrets in what everybody sees, and what is found in them."""

import httpx2

from tests.support.private_keys import PUBLIC_SPELLINGS, SPELLINGS, make_key

PATH = "/en/api/integration"
KEY = make_key(1)
PRIV, PUB = SPELLINGS["base64url"](KEY), PUBLIC_SPELLINGS["base64url"](KEY)
SG = f"SG.{'a1B2' * 5}cd.{'x9Y8' * 10}z7W"
ACCOUNT, TOKEN = f"AC{'0a' * 16}", "k1" * 16
PUSH = {"name": "Push", "type": "WEB_PUSH", "channel": "PUSH"}
MAIL = {"name": "Mail", "type": "SENDGRID", "channel": "EMAIL"}
SMS = {"name": "SMS", "type": "TWILIO", "channel": "SMS"}
Findings = list[tuple[str, str]]


def findings(answer: httpx2.Response, status: int = 400) -> Findings:
    """Return field and code of each detail of *answer*."""
    assert answer.status_code == status, answer.text
    result = answer.json()["result"]
    found: list[dict[str, str]] = result.get("details") or result.get("warnings") or []
    return [(detail["field"], detail["code"]) for detail in found]
