"""P-256 keys, in the spellings that people paste (RFC 5208, 5915, 7468, 7517, 8292)."""

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

Key = ec.EllipticCurvePrivateKey
Spelling = Callable[[Key], str]
PKCS8, SEC1 = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL
UNCOMPRESSED = PublicFormat.UncompressedPoint


@cache
def make_key(number: int) -> Key:
    """Return key *number*: always the same, and as random as any."""
    digest = hashlib.sha256(f"key {number}".encode()).digest()
    return ec.derive_private_key(int.from_bytes(digest), ec.SECP256R1())


def scalar(key: Key) -> bytes:
    """Return the private key's 32 bytes."""
    return key.private_numbers().private_value.to_bytes(32)


def point(key: Key, form: PublicFormat = UNCOMPRESSED) -> bytes:
    """Return the public key's bytes in *form*."""
    return key.public_key().public_bytes(Encoding.X962, form)


def base64url(raw: bytes) -> str:
    """Return *raw* in base64url without padding."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def base64(raw: bytes) -> str:
    """Return *raw* in base64."""
    return b64encode(raw).decode()


def der(key: Key, form: PrivateFormat = PKCS8) -> bytes:
    """Return the private key in DER."""
    return key.private_bytes(Encoding.DER, form, NoEncryption())


def short_pkcs8(key: Key) -> bytes:
    """Return PKCS#8 without the public key: 67 bytes, which fit into a name."""
    algorithm = "301306072a8648ce3d020106082a8648ce3d030107"
    return bytes.fromhex(f"3041020100{algorithm}042730250201010420") + scalar(key)


def pem(key: Key, form: PrivateFormat = PKCS8) -> str:
    """Return the private key in PEM."""
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def pem_body(key: Key) -> str:
    """Return PEM without its head and foot."""
    return "".join(line for line in pem(key).splitlines(keepends=True) if "--" not in line)


def jwk(key: Key) -> Mapping[str, str]:
    """Return the private key as a JWK."""
    public = point(key)
    x, y = base64url(public[1:33]), base64url(public[33:])
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "d": base64url(scalar(key))}


SPELLINGS: Mapping[str, Spelling] = {
    "base64url": lambda key: base64url(scalar(key)),
    "base64url padded": lambda key: f"{base64url(scalar(key))}=",
    "base64": lambda key: base64(scalar(key)).rstrip("="),
    "base64 padded": lambda key: base64(scalar(key)),
    "percent": lambda key: quote(base64(scalar(key)), safe=""),
    "percent, each character": lambda key: "".join(
        f"%{ord(character):02x}" for character in base64url(scalar(key))
    ),
    "HTML entities": lambda key: base64(scalar(key)).replace("+", "&#43;").replace("/", "&#x2F;"),
    "HTML entities, named": lambda key: base64(scalar(key)).replace("+", "&plus;"),
    "HTML entities, each character": lambda key: "".join(
        f"&#{ord(character)};" for character in base64url(scalar(key))
    ),
    "Unicode escapes": lambda key: "".join(
        f"\\u{ord(character):04x}" for character in base64url(scalar(key))
    ),
    "Unicode escape of a sign": lambda key: base64(scalar(key)).replace("+", "\\u002B"),
    "full width": lambda key: "".join(
        chr(ord(character) + 0xFEE0) for character in base64(scalar(key))
    ),
    "bytes": lambda key: str([*scalar(key)]),
    "bytes, signed": lambda key: str([byte - 256 * (byte > 127) for byte in scalar(key)]),
    "JSON escapes": lambda key: base64(scalar(key)).replace("/", "\\/"),
    "hexadecimal": lambda key: scalar(key).hex(),
    "hexadecimal capitals": lambda key: scalar(key).hex().upper(),
    "hexadecimal 0x": lambda key: f"0x{scalar(key).hex()}",
    "hexadecimal colons": lambda key: scalar(key).hex(":"),
    "hexadecimal groups": lambda key: scalar(key).hex(" ", 4),
    "hexadecimal array": lambda key: ", ".join(f"0x{byte:02x}" for byte in scalar(key)),
    "hexadecimal escapes": lambda key: "".join(f"\\x{byte:02x}" for byte in scalar(key)),
    "PKCS#8 base64": lambda key: base64(der(key)),
    "PKCS#8 base64url": lambda key: base64url(der(key)),
    "PKCS#8 short": lambda key: base64(short_pkcs8(key)),
    "PKCS#8 hexadecimal": lambda key: der(key).hex(),
    "SEC1 base64": lambda key: base64(der(key, SEC1)),
    "PEM": pem,
    "PEM SEC1": lambda key: pem(key, SEC1),
    "PEM small head": lambda key: pem(key).lower(),
    "PEM with \\n": lambda key: pem(key).replace("\n", "\\n"),
    "PEM in one line": lambda key: pem(key).replace("\n", " "),
    "PEM with other dashes": lambda key: pem(key).replace("--", "—"),
    "PEM head without dashes": lambda _: "BEGIN EC PRIVATE KEY",
    "PEM body": pem_body,
    "PEM body with \\n": lambda key: pem_body(key).replace("\n", "\\n"),
    "PEM body in one line": lambda key: pem_body(key).replace("\n", ""),
    "PEM head alone": lambda _: "-----BEGIN EC PRIVATE KEY-----",
    "PEM base64": lambda key: base64(pem(key).encode()),
    "JWK": lambda key: json.dumps(jwk(key)),
    "JWK escaped": lambda key: json.dumps(json.dumps(jwk(key))),
    "JWK base64url": lambda key: base64url(json.dumps(jwk(key)).encode()),
    "JWK d alone": lambda key: f'{{"d":"{base64url(scalar(key))}"}}',
    "service account": lambda key: json.dumps({"type": "service_account", "private_key": pem(key)}),
    "after the public key": lambda key: base64url(point(key)) + base64url(scalar(key)),
    "after the padded public key": lambda key: base64(point(key)) + base64(scalar(key)),
    "before the public key": lambda key: base64url(scalar(key)) + base64url(point(key)),
    "next to the public key": lambda key: f"{base64url(point(key))} {base64url(scalar(key))}",
    "dot between": lambda key: f"{base64url(point(key))}.{base64url(scalar(key))}",
}
PUBLIC_SPELLINGS: Mapping[str, Spelling] = {
    "base64url": lambda key: base64url(point(key)),
    "base64": lambda key: base64(point(key)),
    "hexadecimal": lambda key: point(key).hex(),
    "bytes": lambda key: str([*point(key)]),
    "SubjectPublicKeyInfo": lambda key: base64(
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ),
    "PEM": lambda key: (
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    ),
}
SURROUNDINGS: Mapping[str, Callable[[str], str]] = {
    "nothing": lambda text: text,
    "a blank behind": lambda text: f"{text} ",
    "a blank before": lambda text: f" {text}",
    "a no-break space": lambda text: f"\u00a0{text}\u00a0",
    "BOM": lambda text: f"\ufeff{text}",
    "zero-width spaces": lambda text: f"\u200b{text}\u200b",
    "a zero-width space within": lambda text: f"{text[:9]}\u200b{text[9:]}",
    "a variation selector within": lambda text: f"{text[:9]}\ufe0f{text[9:]}",
    "a bidirectional mark": lambda text: f"\u200e{text}\u200f",
    "single quotes": lambda text: f"'{text}'",
    "double quotes": lambda text: f'"{text}"',
    "a backtick": lambda text: f"`{text}`",
    "typographic quotes": lambda text: f"“{text}”",
    "words": lambda text: f"our key: {text}, please keep",
    "an assignment": lambda text: f"VAPID_PRIVATE_KEY={text}",
    "a line break": lambda text: f"{text}\n",
    "a literal \\n": lambda text: f"\\n{text}\\n",
    "directly behind a word": lambda text: f"key{text}",
}
