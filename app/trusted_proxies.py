"""The address of a client: the peer's, or what trusted proxies say of it."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
MAX_HOPS = 16  # addresses of a chain of proxies that are looked at, from the last one on
FORWARDED_FOR = b"x-forwarded-for"
MAPPED_PREFIX = 96  # bits of ::ffff:0:0/96, the IPv6 form of IPv4 addresses (RFC 4291, 2.5.5.2)
# Proxies write an address alone, with a port, and IPv6 in brackets, some of them in quotation
# marks (RFC 7239, section 6). A zone id means something to one machine only and is left out.
ADDRESS = re.compile(
    r'"?(?:\[([0-9a-f:.]{2,45})(?:%[^\]"]*)?\](?::\d{1,5})?'
    r'|([0-9.]{7,15})(?::\d{1,5})?|([0-9a-f:.]{2,45})(?:%[^"]*)?)"?',
    re.ASCII | re.IGNORECASE,
)


class TrustedProxies:
    """The *networks* whose word on a client's address is taken; none by default.

    Each proxy appends to X-Forwarded-For the address that it was called from, so a client can only
    write to the left of what the first trusted proxy adds. No other header is read: Forwarded
    (RFC 7239) would let a client choose a header that its proxy does not replace.
    """

    def __init__(self, networks: tuple[Network, ...] = ()) -> None:
        self.networks = networks

    @classmethod
    def parse(cls, text: str) -> "TrustedProxies":
        """Return the proxies in *text*, addresses and networks separated by commas.

        Raises:
            ValueError: one of them is neither, or a network has bits set behind its prefix.
        """
        return cls(tuple(unmap_network(ip_network(part.strip())) for part in text.split(",")))

    # Any: Litestar, uvicorn and ASGI type scopes differently.
    def client_address(self, scope: Any) -> str | None:  # noqa: ANN401
        """Return the address of the client of the ASGI *scope* in its canonical form.

        It is the peer's, or if that is a trusted proxy the last one in X-Forwarded-For that is
        not. None for a peer without an address, such as a Unix socket, and if what a trusted proxy
        says is not an address.
        """
        peer = scope["client"]
        address = parse_address(str(peer[0])) if peer else None
        if address is not None and self._trusts(address):
            address = self._last_untrusted(address, forwarded_for(scope["headers"]))
        return None if address is None else str(address)

    def _last_untrusted(self, peer: Address, chain: Iterator[str]) -> Address | None:
        """Return the last address of *chain* that is no proxy; if all are, the first proxy."""
        address: Address | None = peer
        for hop in chain:
            address = parse_address(hop)
            if address is None or not self._trusts(address):
                break
        return address

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def forwarded_for(headers: list[tuple[bytes, bytes]]) -> Iterator[str]:
    """Yield what X-Forwarded-For lists, all its lines joined, from the last to the first.

    Empty parts are left out (RFC 9110, section 5.6.1). What is beyond MAX_HOPS comes as one part,
    which is no address.
    """
    joined = b",".join(value for name, value in headers if name == FORWARDED_FOR)
    parts = joined.rsplit(b",", MAX_HOPS)
    return (part.strip(b" \t").decode("latin-1") for part in reversed(parts) if part.strip(b" \t"))


def parse_address(text: str) -> Address | None:
    """Return the IP address in *text*, without port, brackets and zone id; None if it is none."""
    if not (match := ADDRESS.fullmatch(text)):
        return None
    try:
        address = ip_address(match[match.lastindex or 0])
    except ValueError:
        return None
    return unmap_address(address)


def unmap_address(address: Address) -> Address:
    """Return *address*, as IPv4 if it is an IPv4-mapped IPv6 one."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def unmap_network(network: Network) -> Network:
    """Return *network*, as IPv4 if all of its addresses are IPv4-mapped IPv6 ones."""
    first = unmap_address(network.network_address)
    if isinstance(network, IPv4Network) or isinstance(first, IPv6Address):
        return network
    if network.prefixlen < MAPPED_PREFIX:
        return network
    return IPv4Network((first, network.prefixlen - MAPPED_PREFIX))
