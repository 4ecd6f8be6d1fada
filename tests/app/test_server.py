import socket

import pytest

from app.server import open_listener
from app.settings import SettingsError


@pytest.mark.parametrize("host", ["ä" * 70, "no host at all", "192.0.2.1"])
def test_a_host_of_another_machine_is_reported_in_one_line(host: str) -> None:
    with pytest.raises(SettingsError, match=r"^Cannot listen on .*: set INTEGRATIONS_HOST") as told:
        open_listener(host, 0)
    assert "\n" not in str(told.value)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(
    ("host", "reachable"),
    [
        ("::", {"127.0.0.1", "::1"}),
        ("::1", {"::1"}),
        ("0.0.0.0", {"127.0.0.1"}),  # noqa: S104 — it is about that
        ("127.0.0.1", {"127.0.0.1"}),
    ],
)
def test_two_colons_are_all_addresses_of_both_families(host: str, reachable: set[str]) -> None:
    with open_listener(host, 0) as listener:
        port = listener.getsockname()[1]
        assert {each for each in ("127.0.0.1", "::1") if answers(each, port)} == reachable


def answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 5).close()
    except ConnectionRefusedError:
        return False
    return True
