from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import SettingsError, read_settings
from app.trusted_proxies import MAX_HOPS, TrustedProxies, parse_address
from tests.support.thread_time import least_quiet_ms

PROXIES = TrustedProxies.parse("10.0.0.0/8, 192.0.2.1, 2001:db8:a::/48, ::ffff:172.16.0.0/108")
PROXY = "10.0.0.1"


def address_of(peer: str | None, *lines: bytes, proxies: TrustedProxies = PROXIES) -> str | None:
    headers = [(b"x-forwarded-for", line) for line in lines]
    return proxies.client_address(
        {"client": (peer, 4711) if peer is not None else None, "headers": headers}
    )


# ----- Peers -----
PEERS = {
    "IPv4": ("203.0.113.9", "203.0.113.9"),
    "IPv6": ("2001:DB8:0:0::9", "2001:db8::9"),
    "IPv4-mapped IPv6": ("::ffff:203.0.113.9", "203.0.113.9"),
    "IPv4-mapped, in hexadecimal": ("::ffff:cb00:7109", "203.0.113.9"),
    "link-local with a zone": ("fe80::1%eth0", "fe80::1"),
    "Unix socket": (None, None),
    "Unix socket with a name": ("", None),
    "a host name": ("testclient", None),
}


@pytest.mark.parametrize(("peer", "address"), PEERS.values(), ids=PEERS)
@pytest.mark.parametrize("proxies", [PROXIES, TrustedProxies()], ids=["proxies", "none"])
def test_an_untrusted_peer_is_the_client_whatever_it_says(
    peer: str | None, address: str | None, proxies: TrustedProxies
) -> None:
    assert address_of(peer, b"198.51.100.7", b"<script>", proxies=proxies) == address


# ----- What a trusted proxy says -----
FORWARDED: dict[str, tuple[list[bytes], str | None]] = {
    "one address": ([b"198.51.100.7"], "198.51.100.7"),
    "the client wrote the first": ([b"1.2.3.4, 198.51.100.7"], "198.51.100.7"),
    "two proxies": ([b"1.2.3.4, 198.51.100.7, 10.9.9.9"], "198.51.100.7"),
    "proxies of several networks": (
        [b"198.51.100.7, 2001:db8:a::1, 172.16.0.9, 192.0.2.1"],
        "198.51.100.7",
    ),
    "a proxy in its IPv4-mapped form": ([b"198.51.100.7, ::ffff:10.1.1.1"], "198.51.100.7"),
    "several lines": ([b"1.2.3.4", b"198.51.100.7", b"10.9.9.9"], "198.51.100.7"),
    "only proxies": ([b"10.9.9.9, 10.8.8.8"], "10.9.9.9"),
    "no header": ([], PROXY),
    "an empty header": ([b" "], PROXY),
    "empty parts": ([b",198.51.100.7, ,", b""], "198.51.100.7"),
    "blanks and tabs": ([b"\t 198.51.100.7 \t"], "198.51.100.7"),
    "no blanks": ([b"1.2.3.4,198.51.100.7,10.9.9.9"], "198.51.100.7"),
    "IPv6": ([b"2001:DB8::0007"], "2001:db8::7"),
    "IPv4 with a port": ([b"198.51.100.7:50123"], "198.51.100.7"),
    "IPv6 in brackets": ([b"[2001:db8::7]"], "2001:db8::7"),
    "IPv6 in brackets with a port": ([b"[2001:db8::7]:443"], "2001:db8::7"),
    "in quotation marks": ([b'"[2001:db8::7]:4711"'], "2001:db8::7"),
    "a zone": ([b"fe80::7%eth0"], "fe80::7"),
    "a zone in brackets": ([b"[fe80::7%25en0]:80"], "fe80::7"),
    "IPv4-mapped IPv6": ([b"::ffff:198.51.100.7"], "198.51.100.7"),
    "IPv4-mapped IPv6 with a port": ([b"[::ffff:198.51.100.7]:80"], "198.51.100.7"),
    "a script (DeepTutor#1426)": ([b"<script>alert(1)</script>"], None),
    "a script before the client": ([b"<script>, 198.51.100.7"], "198.51.100.7"),
    "a script after the client": ([b"198.51.100.7, <script>"], None),
    "60,000 characters": ([b"a" * 60_000], None),
    "unknown (RFC 7239)": ([b"198.51.100.7, unknown"], None),
    "hidden (RFC 7239)": ([b"198.51.100.7, _hidden"], None),
    "a host name": ([b"client.example.com"], None),
    "too large": ([b"198.51.100.256"], None),
    "leading zeros": ([b"0198.051.100.007"], None),
    "three numbers": ([b"198.51.100"], None),
    "one number": ([b"3325256711"], None),
    "hexadecimal": ([b"0xc6336407"], None),
    "a network": ([b"198.51.100.0/24"], None),
    "a port that is none": ([b"198.51.100.7:http"], None),
    "IPv6 without its end": ([b"[2001:db8::7"], None),
    "foreign digits": (["\u0661\u0669\u0668.51.100.7".encode()], None),
    "a line break": ([b"198.51.100.7\n"], None),
    "NUL": ([b"198.51.100.7\x00"], None),
    "latin-1": ([b"\xff198.51.100.7"], None),
    "the most hops": ([b"198.51.100.7" + b",10.9.9.9" * MAX_HOPS], "198.51.100.7"),
    "more than the most hops": ([b"198.51.100.7" + b",10.9.9.9" * (MAX_HOPS + 1)], None),
}


@pytest.mark.parametrize(("lines", "address"), FORWARDED.values(), ids=FORWARDED)
def test_a_trusted_proxy_says_who_the_client_is(lines: list[bytes], address: str | None) -> None:
    assert address_of(PROXY, *lines) == address


@pytest.mark.parametrize(
    "header", [b"forwarded", b"x-real-ip", b"x-forwarded-host", b"x-forwarded-proto", b"via"]
)
def test_no_other_header_says_it(header: bytes) -> None:
    scope: Any = {"client": (PROXY, 1), "headers": [(header, b"for=198.51.100.7")]}
    assert PROXIES.client_address(scope) == PROXY


HEX_AND_MORE = st.text('0123456789abcdef.:[]%", \t<\u0663')
LINES = st.lists(st.binary(max_size=200) | HEX_AND_MORE.map(str.encode), max_size=4)


@given(LINES, st.sampled_from([PROXY, "::ffff:10.0.0.1", "203.0.113.9", None]))
def test_any_header_gives_an_ip_address_or_none(lines: list[bytes], peer: str | None) -> None:
    address = address_of(peer, *lines, b"2001:db8::7")
    assert address == {None: None, "203.0.113.9": "203.0.113.9"}.get(peer, "2001:db8::7")
    address = address_of(peer, *lines)
    assert address is None or address == str(ip_address(address))
    assert "%" not in str(address)


@given(st.ip_addresses(), st.integers(1, 65535))
def test_every_address_is_read_in_each_of_its_forms(address: Any, port: int) -> None:
    canonical = str(getattr(address, "ipv4_mapped", None) or address)
    forms = [f"{address}", f"[{address}]", f"[{address}]:{port}", f'"{address}"']
    forms += [f"{address}:{port}"] if address.version == 4 else [address.exploded]
    assert {str(parse_address(form)) for form in forms} == {canonical}


def test_a_huge_header_costs_little() -> None:
    for line in (b"10.9.9.9," * 7_000, b"," * 64_000, b'"[' * 32_000, b"fe80::1%" * 8_000):
        assert least_quiet_ms(lambda hostile=line: address_of(PROXY, hostile), enough=20) <= 20


# ----- The setting -----
def test_the_setting_lists_addresses_and_networks() -> None:
    settings = read_settings({"INTEGRATIONS_TRUSTED_PROXIES": "10.0.0.0/8,::1, 192.0.2.1"})
    assert address_of("::1", b"198.51.100.7", proxies=settings.trusted_proxies) == "198.51.100.7"
    assert address_of("127.0.0.1", b"::7", proxies=settings.trusted_proxies) == "127.0.0.1"
    assert read_settings({}).trusted_proxies.networks == ()


@pytest.mark.parametrize(
    "text", ["*", "localhost", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8;::1", "10.0.0.0/8,", "1"]
)
def test_a_setting_that_lists_something_else_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"INTEGRATIONS_TRUSTED_PROXIES": text})
    assert str(refused.value) == (
        "INTEGRATIONS_TRUSTED_PROXIES has a wrong value; it takes addresses and networks by their"
        " first address (10.0.0.0/8, not 10.0.0.1/8), separated by commas."
    )
