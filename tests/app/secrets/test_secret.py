import copy
import json
import logging
import pickle
from collections.abc import Callable, Hashable
from functools import partial

import msgspec
import pytest

from app.secrets.secret import Secret

CANARY = b"canary-4f1c"
TEXT = CANARY.decode()


def test_a_secret_reveals_what_was_put_in() -> None:
    assert Secret(CANARY).reveal() == CANARY


def test_equality_is_that_of_the_plaintext() -> None:
    assert Secret(CANARY) == Secret(b"canary-4f1c")
    assert Secret(CANARY) != Secret(b"canary-4f1d")
    assert Secret(CANARY) != Secret(CANARY + b"\0")


def test_a_secret_is_not_equal_to_its_own_bytes() -> None:
    assert Secret(CANARY) != CANARY


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(CANARY)),
        str(Secret(CANARY)),
        f"{Secret(CANARY)}",
        f"{Secret(CANARY)!r:>40}",
        f"{Secret(CANARY):>40}",
        "%s %r" % (Secret(CANARY), Secret(CANARY)),  # noqa: UP031  # this way of printing, too
        "{0!s} {0!a}".format(Secret(CANARY)),
        repr([Secret(CANARY), {"apiKey": Secret(CANARY)}]),
    ],
)
def test_no_way_of_printing_shows_it(shown: str) -> None:
    assert "Secret(***)" in shown
    assert TEXT not in shown


def test_a_log_line_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("any").error("took %s, %r", Secret(CANARY), {"apiKey": Secret(CANARY)})
    assert "Secret(***)" in caplog.text
    assert TEXT not in caplog.text


class Form(msgspec.Struct):
    api_key: Secret


def test_a_struct_that_holds_it_does_not_show_it() -> None:
    assert repr(Form(api_key=Secret(CANARY))) == "Form(api_key=Secret(***))"


ENCODERS: list[Callable[[object], object]] = [
    json.dumps,
    msgspec.json.encode,
    msgspec.msgpack.encode,
    msgspec.to_builtins,
    copy.copy,
    copy.deepcopy,
    *(partial(pickle.dumps, protocol=protocol) for protocol in range(6)),
]


@pytest.mark.parametrize("encode", ENCODERS)
def test_nothing_encodes_or_copies_it(encode: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as refusal:
        encode(Secret(CANARY))
    assert TEXT not in str(refusal.value)


@pytest.mark.parametrize("walk", [vars, bytes, len, iter, hash, Secret.__getstate__])
def test_it_has_no_attributes_length_items_hash_or_state(walk: Callable[..., object]) -> None:
    with pytest.raises(TypeError):
        walk(Secret(CANARY))


def test_it_says_that_it_has_no_hash() -> None:
    assert not isinstance(Secret(CANARY), Hashable)


def test_an_error_report_with_variables_does_not_show_it(
    told_in_full: Callable[[BaseException], str],
) -> None:
    def sign_with(api_key: Secret) -> None:
        message = f"cannot sign with {api_key}"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError) as failure:
        sign_with(Secret(CANARY))
    report = told_in_full(failure.value)
    assert "api_key = Secret(***)" in report
    assert TEXT not in report
