"""The rule of a public VAPID key: one line of base64url, read as people paste it."""

import re
from base64 import urlsafe_b64encode

from app.http.field_rules import FieldError, Rule, require_length
from app.http.integrations.public_text import NO_PUBLIC_KEY
from app.http.text_rules import (
    FORBIDDEN_CHARACTER,
    pasted_schema,
    read_shown,
    require_plain,
    require_visible,
)
from app.providers.vapid import pasted_points
from app.secrets.private_key_text import contains_private_key
from app.wrappings import unwrap

BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
PEM = re.compile(r"-----BEGIN PUBLIC KEY-----([^-]+)-----END PUBLIC KEY-----")
FRAME = "= \t\r\n"  # which `web-push` prints around its keys
HYPHENATED = re.compile(r"-\s*\n\s*")
SPACES = re.compile(r"(?:\\[nr]|\s)+")  # also written out
MAX_POINT = 88  # characters in base64; a longer text may be the base64 of one, as in Kubernetes


def public_key(maximum: int) -> Rule:
    """Return the rule for a public key of 1 to *maximum* characters; base64 becomes base64url."""

    def rule(value: object) -> str:
        string = read_shown(value, maximum)
        require_length(string, maximum)
        if len(string) > MAX_POINT or not BASE64.fullmatch(string):
            string = pasted_key(string)
        require_visible(require_plain(string))
        if not BASE64.fullmatch(string):
            return string
        return string.rstrip("=").replace("+", "-").replace("/", "_")

    description = (
        "A public VAPID key in base64url, or as tools print it: other base64, PEM, in lines"
    )
    return Rule(rule, pasted_schema(maximum, description))


def pasted_key(text: str) -> str:
    """Return the one public key that *text* is, wrapped, in PEM, encoded or broken; else *text*.

    Raises:
        FieldError: the private key is in its lines, too.
    """
    inner = unwrap(text.strip(FRAME)).text
    if pem := PEM.fullmatch(inner):
        inner = pem[1]
    joined = {SPACES.sub("", each) for each in (inner, HYPHENATED.sub("", inner))}
    points = {point for each in joined for point in pasted_points(each)}
    if len(points) == 1:
        return urlsafe_b64encode(points.pop()).decode()
    if FORBIDDEN_CHARACTER.search(text) and contains_private_key(text, is_key=True):
        raise FieldError(NO_PUBLIC_KEY)
    return text
