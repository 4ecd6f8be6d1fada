"""Values that are chosen to be dear to read."""

import base64
import json
from collections.abc import Mapping

# Repeated to a wanted length, with an end that makes a match fail late.
UNITS: Mapping[str, tuple[str, str]] = {
    "combining marks": ("\u0300\u0323", "@x.com"),
    "ligatures that unfold": ("\ufdfa", ""),
    "Hangul letters": ("\u1112\u1161\u11ab", ""),
    "dotted capital I": ("\u0130", ""),
    "emoji": ("\U0001f469\u200d", ""),
    "letters": ("a", "!"),
    "digits": ("9", ""),
    "plus and digits": ("+4", "x"),
    "spaces": (" ", "x"),
    "words": ("a ", "!"),
    "zero-width spaces": ("\u200b", "a"),
    "directions": ("a\u202e", ""),
    "at signs": ("a@", ""),
    "labels": ("a.", "@a"),
    "punycode": ("xn--a.", ""),
    "quotes": ('"', "a"),
    "backslashes": ("\\n", ""),
    "brackets": ("[", ""),
    "objects": ('{"a":', ""),
    "base64": ("MC4CAQAwBQYDK2VwBCIEI", ""),
    "hexadecimal": ("ab", "g"),
    "heads of keys": ("-----BEGIN PRIVATE KEY-----", ""),
    "ends of keys": ("-----BEGIN PRIVATE KEY-----\\n-----END PRIVATE KEY-----", ""),
    "bearers": ("Bearer ", ""),
    "assignments": ("KEY=", ""),
    "percent signs": ("%", ""),
    "list": ('"a",', ""),
    "parameters": ("a;b=", '"'),
    "hyphens": ("en-", ""),
    "times": ("2026-01-01T00:00:00.", "Z"),
    "dots": (".", "a"),
}


def hostile_texts(size: int) -> Mapping[str, str]:
    """Return a text of each kind of at most *size* bytes in JSON, by a name that says which."""
    texts = {
        name: unit * max(1, (size - json_size(end)) // json_size(unit)) + end
        for name, (unit, end) in UNITS.items()
    }
    account = {"type": "service_account", "private_key": "a\n" * (size // 7)}
    texts["a service account"] = json.dumps(account)
    texts["base64 of one"] = base64.b64encode(json.dumps(account).encode()).decode()
    return texts


def json_size(text: str) -> int:
    """Return how many bytes *text* has in a JSON string."""
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def hostile_json(size: int) -> Mapping[str, str]:
    """Return JSON values of other kinds than strings, of at most *size* bytes."""
    return {
        "nested lists": "[" * (size // 2) + "]" * (size // 2),
        "nested objects": '{"a":' * (size // 6) + "1" + "}" * (size // 6),
        "a long list": "[" + "1," * (size // 2) + "1]",
        "a long object": "{" + ",".join(f'"k{n}":1' for n in range(size // 9)) + "}",
        "one name again and again": '{"a":1' + ',"a":1' * (size // 6) + "}",
        "a number with many digits": "9" * size,
        "a fraction with many digits": "0." + "9" * size,
        "a huge exponent": "1e" + "9" * size,
        "a small exponent": "1e-999999999",
        "escapes": '"' + "\\u0300" * (size // 6) + '"',
        "surrogates": '"' + "\\ud800" * (size // 6) + '"',
    }
