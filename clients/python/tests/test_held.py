"""Leases that are held, used from several threads at once."""

import sys
from collections.abc import Iterator
from threading import Event, Thread

import pytest
from integrations_client import Lease
from integrations_client.held import HeldLeases
from integrations_client.opening import Target
from integrations_client.term import Term

TARGETS: list[Target] = [("integration", f"int_{number}") for number in range(200)]


@pytest.fixture
def switching() -> Iterator[None]:
    """Switch threads after each few instructions."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("switching")
def test_senders_drop_leases_while_others_come() -> None:
    held, is_over, errors = HeldLeases(), Event(), list[BaseException]()
    leases = {target: Lease(target[1], 1, {}, {}, Term(60)) for target in TARGETS}

    def drop() -> None:
        try:
            while not is_over.is_set():
                for target, lease in leases.items():
                    held.drop(target, lease)
        except BaseException as error:  # noqa: BLE001 — told below
            errors.append(error)

    threads = [Thread(target=drop) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            for target, lease in leases.items():
                held.put(target, lease, held.drops(target))
                held.see("int_1", 1)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()

    for target, lease in leases.items():
        held.drop(target, lease)
    assert not errors
    assert [held.get(target) for target in TARGETS] == [None] * len(TARGETS)
