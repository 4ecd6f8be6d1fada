"""The definitions of RFC 9162 as they stand there, and the tree that other projects test with."""

from collections.abc import Sequence
from hashlib import sha256

import pytest

from app.audit.merkle import Frontier, Node, TreeHead, leaf_hash
from app.audit.tiles import Tile, grow

Entries = Sequence[bytes]


class Rfc9162:
    """Section 2.1, word for word: slow, and easy to compare with the text."""

    def mth(self, d: Entries) -> bytes:
        """2.1.1, the Merkle Tree Hash."""
        n = len(d)
        if n == 0:
            return sha256(b"").digest()
        if n == 1:
            return sha256(b"\x00" + d[0]).digest()
        k = self.largest_power_of_two_smaller_than(n)
        return sha256(b"\x01" + self.mth(d[:k]) + self.mth(d[k:])).digest()

    def path(self, m: int, d: Entries) -> list[bytes]:
        """2.1.3.1, the inclusion proof."""
        n = len(d)
        if n == 1:
            return []
        k = self.largest_power_of_two_smaller_than(n)
        if m < k:
            return [*self.path(m, d[:k]), self.mth(d[k:])]
        return [*self.path(m - k, d[k:]), self.mth(d[:k])]

    def proof(self, m: int, d: Entries) -> list[bytes]:
        """2.1.4.1, the consistency proof."""
        return self.subproof(m, d, b=True)

    def subproof(self, m: int, d: Entries, *, b: bool) -> list[bytes]:
        """2.1.4.1, its recursion; *b* says that the first tree's root is known."""
        n = len(d)
        if m == n:
            return [] if b else [self.mth(d)]
        k = self.largest_power_of_two_smaller_than(n)
        if m <= k:
            return [*self.subproof(m, d[:k], b=b), self.mth(d[k:])]
        return [*self.subproof(m - k, d[k:], b=False), self.mth(d[:k])]

    def largest_power_of_two_smaller_than(self, n: int) -> int:
        k = 1
        while k * 2 < n:
            k *= 2
        return k


class PublishedTree:
    """The tree of eight leaves that Certificate Transparency's implementations test with.

    Figures of github.com/transparency-dev/merkle, testonly/constants.go, at 417fb0c31475.
    """

    def __init__(self) -> None:
        self.entries = [
            bytes.fromhex(entry)
            for entry in (
                *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
                "606162636465666768696a6b6c6d6e6f",
            )
        ]
        self.heads = [TreeHead(size, bytes.fromhex(root)) for size, root in enumerate(ROOTS)]
        self.nodes = {node: bytes.fromhex(known) for node, known in NODES.items()}


ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
NODES = {
    Node(0, 0): "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    Node(0, 1): "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    Node(0, 2): "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
    Node(0, 3): "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
    Node(0, 4): "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    Node(0, 5): "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
    Node(0, 6): "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    Node(0, 7): "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
    Node(1, 0): "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    Node(1, 1): "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    Node(1, 2): "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    Node(1, 3): "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    Node(2, 0): "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    Node(2, 1): "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    Node(3, 0): "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


class LargeTree:
    """70,000 entries, each its own, with the tiles of their tree (three levels of them)."""

    def __init__(self) -> None:
        self.entries = [b"entry %d" % number for number in range(70_000)]
        self.frontier = Frontier()
        self.tiles: dict[Tile, bytes] = grow(self.frontier, map(leaf_hash, self.entries))
        self.head = self.frontier.head


@pytest.fixture(scope="session")
def rfc() -> Rfc9162:
    return Rfc9162()


@pytest.fixture(scope="session")
def published() -> PublishedTree:
    return PublishedTree()


@pytest.fixture(scope="session")
def large() -> LargeTree:
    return LargeTree()
