"""leases.json: clients in other languages read it, so it has to be right; and how it is made."""

import json
import re
import runpy
import sys
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.exceptions import PyJWTError

from app.secrets.lease import lease_info
from app.tokens.jwt import base64url
from tests.contract import lease_vectors

Open = Callable[..., dict[str, Any]]
HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "leases.json").read_text())
PAGE = (HERE.parents[1] / "docs/workers.md").read_text()
[PROGRAM] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
REFUSALS = (PyJWTError, InvalidTag, ValueError)
PEM = lease_vectors.WORKER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def opener(folder: Path, program: str) -> Open:
    """Return what opens leases in *program*, with the worker's key and the pinned one."""
    (folder / "program.py").write_text(program)
    (folder / "key.pem").write_bytes(PEM)
    (folder / "pinned.json").write_text(json.dumps(VECTORS["leaseKey"]))
    first, mark = VECTORS["accepted"][0], VECTORS["thumbprint"]
    files = [str(folder / name) for name in ("program.py", "key.pem", "pinned.json")]
    given = [files[0], first["lease"], first["integrationId"], mark, *files[1:]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", given)
        names = runpy.run_path(files[0])

    def open_lease(vector: dict[str, Any]) -> dict[str, Any]:
        return names["open_lease"](
            vector["lease"],
            vector["integrationId"],
            mark,
            names["key"],
            names["pinned"],
            vector.get("seenVersion", 0),
        )

    return open_lease


@pytest.fixture(scope="module")
def open_lease(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """The program of docs/workers.md."""
    return opener(tmp_path_factory.mktemp("worker"), PROGRAM)


def test_the_file_is_what_the_program_makes(capsys: pytest.CaptureFixture[str]) -> None:
    lease_vectors.main()

    assert capsys.readouterr().out == (HERE / "leases.json").read_text()


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: vector["name"])
def test_a_lease_to_accept_opens(open_lease: Open, vector: dict[str, Any]) -> None:
    info = lease_info("demo", vector["integrationId"], vector["version"], VECTORS["thumbprint"])

    assert open_lease(vector) == vector["content"]
    assert vector["info"] == info.hex()


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["reason"])
def test_a_lease_to_refuse_does_not_open(open_lease: Open, vector: dict[str, Any]) -> None:
    with pytest.raises(REFUSALS):
        open_lease(vector)


@given(st.integers(0, 2), st.integers(0), st.integers(1, 255))
def test_a_lease_with_any_other_byte_does_not_open(
    open_lease: Open, part: int, place: int, change: int
) -> None:
    first = VECTORS["accepted"][0]
    parts = [bytearray(urlsafe_b64decode(text + "==")) for text in first["lease"].split(".")]
    parts[part][place % len(parts[part])] ^= change
    changed = ".".join(base64url(bytes(data)) for data in parts)

    with pytest.raises(REFUSALS):
        open_lease({**first, "lease": changed})


OPTIONS = '{"require": ["exp"]}'
UNVERIFIED = '{"verify_signature": False, "verify_exp": True, "verify_aud": True}'


@pytest.mark.parametrize(
    ("check", "instead", "opened"),
    [
        (OPTIONS, UNVERIFIED, r".*signature|HS256|alg none|without exp"),
        ('!= "lease+jwt"', '== "other"', "an access token"),
        (OPTIONS, "{}", "without exp"),
        (OPTIONS, '{"require": ["exp"], "verify_exp": False}', "expired"),
        (OPTIONS, '{"require": ["exp"], "verify_aud": False}', "other recipient, by aud alone"),
        ('claims["integrationId"] != integration', "False", "other integration"),
        ('claims["version"] < seen', "False", "it is older"),
    ],
    ids=["signature", "type", "exp required", "exp", "aud", "integration", "version"],
)
def test_without_a_check_what_it_refuses_opens(
    tmp_path: Path, check: str, instead: str, opened: str
) -> None:
    assert PROGRAM.count(check) == 1
    open_lease = opener(tmp_path, PROGRAM.replace(check, instead))

    for vector in VECTORS["refused"]:
        if re.match(opened, vector["reason"]):
            assert open_lease(vector) == VECTORS["accepted"][0]["content"]
        else:
            with pytest.raises(REFUSALS):
                open_lease(vector)
