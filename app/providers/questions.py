"""Makes the request of a check of its description and the credentials."""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import assert_never
from urllib.parse import quote

import msgspec

from app.providers.errors import UnsendableError
from app.providers.http_client import Question
from app.providers.provider_file import AskCheck, Basic, Bearer, Header
from app.secrets.secret import Secret

Values = Mapping[str, Secret]
SENDABLE = re.compile(rb"[\x21-\x7e]+")  # what a header's value can hold between spaces
COLON = b":"


def question_of(check: AskCheck, base: str, values: Values) -> Question:
    """Return the request of *check* to the region at *base*.

    Raises:
        UnsendableError: a value holds what no header can carry.
    """
    headers = authorization(check.auth, values)
    if check.body is None:
        return Question(method=check.method, url=base + path_of(check, values), headers=headers)
    return Question(
        method=check.method,
        url=base + path_of(check, values),
        headers=headers | {"Content-Type": "application/json"},
        body=msgspec.json.encode(check.body),
    )


def path_of(check: AskCheck, values: Values) -> str:
    """Return the path of *check*; no value can leave its place in it."""
    path = check.path
    for name, value in values.items():
        path = path.replace("{" + name + "}", quote(value.reveal(), safe=""))
    return path


def authorization(auth: Bearer | Header | Basic, values: Values) -> dict[str, str]:
    """Return the header that bears the credentials."""
    match auth:
        case Bearer(field=field):
            return {"Authorization": f"Bearer {sendable(field, values)}"}
        case Header(name=name, field=field):
            return {name: sendable(field, values)}
        case Basic(user=user, password=password):
            pair = f"{sendable(user, values, COLON)}:{sendable(password, values)}"
            return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        case _:
            assert_never(auth)


def sendable(field: str, values: Values, without: bytes | None = None) -> str:
    """Return the value of *field*; raise UnsendableError where no header can carry it."""
    value = values[field]
    if not is_sendable(value) or (without and without in value.reveal()):
        raise UnsendableError(field)
    return value.reveal().decode()


def is_sendable(value: Secret) -> bool:
    """Tell whether a header can carry *value*, as part of its own value (RFC 9110, 5.5)."""
    return SENDABLE.fullmatch(value.reveal()) is not None
