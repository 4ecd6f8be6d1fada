"""Input from an operator: settings, the keyring, addresses, times on the command line."""

import os
from pathlib import Path

from app.replay.filters import PointInTimeError, parse_point_in_time
from app.secrets.errors import KeyringError
from app.secrets.keyring_file import decode_keyring, encode_keyring, new_kek
from app.secrets.reloading_keyring import kek_epoch
from app.secrets.secret import Secret
from app.secrets.vault_client import parse_key_address
from app.settings import SettingsError, read_settings
from tests.fuzzing.target import PLAIN_NAME, Target, require

FILE = Path("keyring.json")
KEYRING = encode_keyring(new_kek(1)).reveal()


def read_environment(data: bytes) -> None:
    """Read settings from lines NAME=VALUE; a refusal may repeat a plain name in capitals."""
    lines = [os.fsdecode(line).partition("=") for line in data.split(b"\n")]
    named = {name for name, _, _ in lines if PLAIN_NAME.fullmatch(name) and name.isupper()}
    given = {name if name in named else "PORT": value for name, _, value in lines}
    settings = read_settings({f"INTEGRATIONS_{name}": value for name, value in given.items()})
    require(0 <= settings.port < 1 << 16 and 0 < settings.workers <= 64, "numbers are in range")
    require(settings.rate_limit is None or 0 < settings.rate_limit <= 1e6, "a rate is one")


def refusal_message(data: bytes) -> str:
    """Return the message for settings that are refused."""
    try:
        read_environment(data)
    except SettingsError as refusal:
        return str(refusal)
    return ""


def read_keyring(data: bytes) -> None:
    """Read a keyring, count its epochs, and write it again."""
    keks = decode_keyring(Secret(data), FILE)
    require(min(kek_epoch(kek) for kek in keks) > 0, "epochs count from 1")
    require(
        decode_keyring(encode_keyring(*keks), FILE) == keks, "a keyring is read as it was written"
    )


def read_address(data: bytes) -> None:
    """Read the address of a key in Vault."""
    parse_key_address(data.decode(errors="surrogateescape"))


def read_moment(data: bytes) -> None:
    """Read a point in time as the command line gives it."""
    parse_point_in_time(os.fsdecode(data))


TARGETS = (
    Target(
        name="settings",
        read=read_environment,
        refusals=(SettingsError,),
        examples=(
            b"PORT=8000\nWORKERS=2\nRATE_LIMIT=5.5\nLOG_LEVEL=DEBUG\nHOST=::1",
            b"DATA_DIR=data\nPROVIDERS=p\nPROVIDER_URLS=TWILIO=http://127.0.0.1:9",
        ),
        words=(b"\n", b"=", b"RATE_BURST=", b"nan", b"inf", b"1_0"),
        known=(refusal_message(b"UNKNOWN=1"),),  # it names all settings
    ),
    Target(
        name="keyring",
        read=read_keyring,
        refusals=(KeyringError,),
        examples=(KEYRING,),
        words=(b'"state":"retired"', b"kek-2-", b'"version":1'),
        known=(str(FILE), "not of version 1: "),
    ),
    Target(
        name="vault-address",
        read=read_address,
        refusals=(KeyringError,),
        examples=(b"vault+https://vault.example:8200/v1/transit/keys/k",),
        words=(b"vault+http://localhost", b"[::1]", b"@", b"/../"),
        known=("write INTEGRATIONS_KEYRING as vault+https://HOST:PORT/v1/MOUNT/keys/NAME",),
    ),
    Target(
        name="replay-moment",
        read=read_moment,
        refusals=(PointInTimeError,),
        examples=(b"1200", b"2026-11-05T09:00:00Z", b"2026-W45-4", b"0001-01-01T00:00:00+05:00"),
        words=(b"+23:59", b"-23:59", b"Z", b"T", b"9999-12-31"),
        known=("a position such as 1200, or a time such as 2026-11-05T09:00:00Z",),
    ),
)
