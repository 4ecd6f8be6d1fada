"""Leases and their credentials refuse to be shown, copied and stored."""

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from integrations_client import Lease, LeaseExpiredError, Secret
from integrations_client.term import Term

KEY = "SG.a-key-that-nobody-may-see"
CONTENT = {"type": "TWILIO", "channel": "SMS", "apiKey": KEY, "apiSecret": KEY}


def new_lease(seconds: float = 60) -> Lease:
    return Lease("int_1", 7, {"apiKey": 1}, CONTENT, Term(seconds))


def new_secret() -> Secret:
    secret = new_lease().api_key
    assert secret is not None
    return secret


HOLDERS = [pytest.param(new_lease, id="lease"), pytest.param(new_secret, id="secret")]
REFUSED: dict[str, Callable[[Any], object]] = {
    "pickle": pickle.dumps,
    "pickle, first protocol": lambda value: pickle.dumps(value, 0),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy of what holds it": lambda value: copy.deepcopy({"lease": [value]}),
    "json": json.dumps,
    "msgspec": msgspec.json.encode,
    "vars": vars,
    "state": lambda value: value.__getstate__(),
    "dataclass": dataclasses.asdict,
}


@pytest.mark.parametrize("new", HOLDERS)
@pytest.mark.parametrize("way", REFUSED.values(), ids=REFUSED)
def test_it_refuses_to_leave_the_process(
    way: Callable[[Any], object], new: Callable[[], object]
) -> None:
    with pytest.raises(TypeError) as raised:
        way(new())

    assert KEY not in "".join(traceback.format_exception(raised.value))


SHOWN: list[Callable[[object], str]] = [repr, pprint.pformat, ascii, lambda it: f"{it!r}"]


@pytest.mark.parametrize("new", HOLDERS)
@pytest.mark.parametrize("show", SHOWN)
def test_what_is_shown_of_it_holds_no_key(
    show: Callable[[object], str], new: Callable[[], object]
) -> None:
    assert KEY not in show(new())
    assert KEY not in show({"it": [new()]})


WAYS: list[Callable[[Secret], str]] = [str, lambda s: f"{s}", lambda s: f"{s:>9}", "{}".format]


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_refuses_to_be_printed(way: Callable[[Secret], str]) -> None:
    with pytest.raises(TypeError, match="reveal"):
        way(new_secret())


def test_a_log_of_a_lease_names_what_was_leased(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("worker").warning("sending with %s", new_lease())

    assert caplog.messages == ["sending with <Lease of int_1, version 7, TWILIO>"]


def test_no_secret_is_revealed_when_the_lease_is_over() -> None:
    secret = new_lease(0).api_key
    assert secret is not None

    with pytest.raises(LeaseExpiredError):
        secret.reveal()
