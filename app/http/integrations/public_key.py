"""The rule of a public VAPID key: one line of base64url, read as people paste it."""

import re
from base64 import urlsafe_b64encode

from app.http.field_rules import FieldError, Rule, require_length
from app.http.integrations.public_text import LOOKS_LIKE_SECRET
from app.http.text_rules import (
    FORBIDDEN_CHARACTER,
    read_shown,
    require_plain,
    require_visible,
    trimmed_schema,
)
from app.providers.vapid import pasted_points
from app.secrets.private_key_text import contains_private_key
from app.wrappings import unwrap

BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
PEM = re.compile(r"-----BEGIN PUBLIC KEY-----([^-]+)-----END PUBLIC KEY-----")
FRAME = "= \t\r\n"  # which `web-push` prints around its keys
HYPHENATED = re.compile(r"-\s*\n\s*")
MAX_POINT = 88  # characters in base64; a longer text may be the base64 of one, as in Kubernetes


def public_key(maximum: int) -> Rule:
    """Return the rule for a public key of 1 to *maximum* characters; base64 becomes base64url."""

    def rule(value: object) -> str:
        string = read_shown(value, maximum)
        require_length(string, maximum)
        is_long = len(string) > MAX_POINT and BASE64.fullmatch(string)
        if is_long or FORBIDDEN_CHARACTER.search(string):
            string = join_lines(string)
        require_visible(require_plain(string))
        if not BASE64.fullmatch(string):
            return string
        return string.rstrip("=").replace("+", "-").replace("/", "_")

    return Rule(rule, trimmed_schema(maximum))


def join_lines(text: str) -> str:
    """Return the public key in the lines of *text*, below a label, in PEM or broken; else *text*.

    It may be encoded in base64 once more.

    Raises:
        FieldError: the private key is in it, too.
    """
    pem = PEM.fullmatch(text)
    inner = pem[1] if pem else unwrap(text.strip(FRAME)).text
    joined = {"".join(each.split()) for each in (inner, HYPHENATED.sub("", inner))}
    points = {p for each in joined if BASE64.fullmatch(each) for p in pasted_points(each)}
    if len(points) == 1:
        return urlsafe_b64encode(points.pop()).decode()
    if contains_private_key(text, is_key=True):
        raise FieldError(LOOKS_LIKE_SECRET)
    return text
