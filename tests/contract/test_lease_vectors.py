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
REFUSALS = (PyJWTError, InvalidTag, ValueError)
PEM = lease_vectors.WORKER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module")
def open_lease(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """The program of docs/workers.md, with the worker's key and the pinned one."""
    tmp_path = tmp_path_factory.mktemp("worker")
    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "program.py").write_text(program)
    (tmp_path / "key.pem").write_bytes(PEM)
    (tmp_path / "pinned.json").write_text(json.dumps(VECTORS["leaseKey"]))
    first, mark = VECTORS["accepted"][0], VECTORS["thumbprint"]
    files = [str(tmp_path / name) for name in ("program.py", "key.pem", "pinned.json")]
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
