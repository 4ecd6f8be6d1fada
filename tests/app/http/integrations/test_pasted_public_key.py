"""A public VAPID key is read as tools print it, and people paste it."""

import base64

import pytest

from tests.support.pasted_bodies import (
    PRIVATE,
    PUBLIC,
    SCHEMAS,
    codes,
    read,
)


@pytest.mark.parametrize("body", SCHEMAS)
def test_a_public_key_is_stored_in_base64url(body: str) -> None:
    standard = PUBLIC.replace("_", "/").replace("-", "+") + "="

    assert read(body, "vapidPublicKey", f" {standard}\n") == PUBLIC
    assert read(body, "vapidPublicKey", "BHn...") == "BHn..."


MFKW = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"  # what stands before the point in a PEM
PEM = MFKW + base64.b64encode(base64.urlsafe_b64decode(PUBLIC + "=")[1:]).decode()
ENCODED = base64.b64encode(PUBLIC.encode()).decode()
LINES = {
    "a label (web-push generate-vapid-keys)": f"Public Key:\n{PUBLIC}",
    "a label, indented": f"Public Key:\r\n    {PUBLIC}",
    "the frame of web-push": f"=====\n\nPublic Key:\n{PUBLIC}\n\n=====",
    "two lines of a mail": f"{PUBLIC[:60]}\r\n{PUBLIC[60:]}",
    "two lines and a label": f"Public Key:\n{PUBLIC[:50]}\n{PUBLIC[50:]}",
    "a tab": f"{PUBLIC[:40]}\t{PUBLIC[40:]}",
    "quotes": f'"{PUBLIC[:40]}\n {PUBLIC[40:]}"',
    "a variable": f"VAPID_PUBLIC_KEY=\n{PUBLIC}",
    "a PEM": f"-----BEGIN PUBLIC KEY-----\n{PEM[:64]}\n{PEM[64:]}\n-----END PUBLIC KEY-----\n",
    "a PEM without its head": f"{PEM[:64]}\n{PEM[64:]}",
    "a hyphen at the end of a line": f"{PUBLIC[:60]}-\n{PUBLIC[60:]}",
    "base64 of it, as in Kubernetes": ENCODED,
    "base64 of it and a line break": base64.b64encode(f"{PUBLIC}\n".encode()).decode(),
    "base64 of it in two lines": f"{ENCODED[:76]}\n{ENCODED[76:]}",
}


HEAD, END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
HEXADECIMAL = base64.urlsafe_b64decode(PUBLIC + "=").hex(":")
WRAPPED = {
    "quotes and a comma": f'"{PUBLIC}",',
    "a comma": f"{PUBLIC},",
    "angle brackets": f"<{PUBLIC}>",
    "a variable": f"VAPID_PUBLIC_KEY={PUBLIC}",
    "a variable that is not called public": f"VAPID_KEY='{PUBLIC}'",
    "a label": f"Public Key: {PUBLIC}",
    "a label in French": f"Clé publique : {PUBLIC}",
    "a member of JSON": f'"publicKey": "{PUBLIC}",',
    "JSON": f'{{"publicKey":"{PUBLIC}"}}',
    "code": f"const publicVapidKey = '{PUBLIC}';",
    "a line break, written out": f"{PUBLIC}\\n",
    "a blank": f"{PUBLIC[:40]} {PUBLIC[40:]}",
    "a variable, base64": f"VAPID_PUBLIC_KEY: {ENCODED}",
    "quotes, base64": f'"{ENCODED}"',
    "a PEM": f"{HEAD}{PEM}{END}",
    "a PEM with blanks": f"{HEAD} {PEM} {END}",
    "a PEM in a variable": f'KEY="{HEAD}\\n{PEM}\\n{END}\\n"',
    "openssl": f"pub:\n    {HEXADECIMAL[:45]}\n    {HEXADECIMAL[45:]}",
    "hexadecimal with colons": HEXADECIMAL,
}


@pytest.mark.parametrize("body", SCHEMAS)
@pytest.mark.parametrize("text", [*LINES.values(), *WRAPPED.values()], ids=[*LINES, *WRAPPED])
def test_a_public_key_in_lines_or_wrapped_is_one(body: str, text: str) -> None:
    assert read(body, "vapidPublicKey", text) == PUBLIC


NO_KEYS = (f'"{PUBLIC[:60]}"', f"VAPID_PUBLIC_KEY={PUBLIC[:60]}", f"{PUBLIC}, {PUBLIC[::-1]}")


@pytest.mark.parametrize("text", NO_KEYS)
def test_what_is_not_one_whole_public_key_stays_as_it_is(text: str) -> None:
    assert read("create", "vapidPublicKey", text) == text


PAIRS = {
    "web-push": f"=====\n\nPublic Key:\n{PUBLIC}\n\nPrivate Key:\n{PRIVATE}\n\n=====",
    "two lines": f"{PUBLIC}\n{PRIVATE}",
    "the private key first": f"{PRIVATE}\n{PUBLIC}",
    "the private key alone": f"Private Key:\n{PRIVATE}",
    "the private key in lines": f"{PRIVATE[:20]}\n{PRIVATE[20:]}",
    "a PEM and the private key": LINES["a PEM"] + PRIVATE,
}


@pytest.mark.parametrize("body", SCHEMAS)
@pytest.mark.parametrize("text", PAIRS.values(), ids=PAIRS)
def test_a_private_key_next_to_a_public_one_wins(body: str, text: str) -> None:
    assert codes(body, "vapidPublicKey", text) == {"LOOKS_LIKE_SECRET"}
