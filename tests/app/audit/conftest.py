"""The definitions of RFC 9162 as they stand there, the tree that other projects test with, and a
log of twelve events that was signed twice.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import get_args

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from app.audit.audit_keys import AuditKeys
from app.audit.checkpoint import CheckpointKey, open_checkpoint_key
from app.audit.checkpoint_signer import CheckpointSigner
from app.audit.follower import catch_up
from app.audit.follower_connection import ROLE
from app.audit.log_sections import VerifyScope
from app.audit.merkle import Frontier, Node, TreeHead, leaf_hash
from app.audit.tiles import Tile, grow
from app.audit.verify import VerificationResult, verify
from app.database.pools import Pool
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import Changeset
from app.secrets.sealing import SealedSecret
from domain.envelope import Envelope
from domain.integration import (
    Credential,
    CredentialsDestroyed,
    CredentialsReplaced,
    IntegrationCreated,
    IntegrationDeleted,
    IntegrationEvent,
    IntegrationRenamed,
    IntegrationToggled,
    SecretField,
)
from tests.support.waiting import TIMEOUT

Entries = Sequence[bytes]
Follow = Callable[[], Awaitable[None]]
Verify = Callable[..., Awaitable[VerificationResult]]
Tamper = Callable[..., None]
Backup = Callable[[], Callable[[], None]]
PLAIN_COLUMNS = """
SELECT string_agg(column_name, ', ') FROM information_schema.columns
WHERE (table_schema, table_name, is_generated) = ('integrations', %s, 'NEVER')
"""
TABLES = (
    *("events", "secret_store", "integration_view", "integration_counts"),
    *("audit_tiles", "audit_checkpoints", "audit_follower"),
)


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


class Writer:
    """Appends to a log as the service does, with what follows in views, history and secrets."""

    off, on = IntegrationToggled(is_active=False), IntegrationToggled(is_active=True)

    def __init__(self, pool: Pool, write_of: Callable[..., Changeset], follow: Follow) -> None:
        self.follow = follow
        self._log = PostgresEventLog(pool)
        self._write_of = write_of
        self._streams: dict[tuple[str, str], list[Envelope]] = {}

    async def append(self, workspace: str, stream: str, event: IntegrationEvent) -> None:
        """Append one event, and seal the secrets that it speaks of."""
        history = self._streams.setdefault((workspace, stream), [])
        destroys = isinstance(event, CredentialsDestroyed)
        credentials = () if destroys else getattr(event, "credentials", ())
        write = self._write_of(
            event,
            after=history,
            workspace=workspace,
            stream=stream,
            sealed=[sealed(workspace, stream, each.field, each.version) for each in credentials],
            deletes_secrets=isinstance(event, IntegrationDeleted),
        )
        await self._log.append(write)
        history.extend(write.envelopes)

    def credential(
        self, workspace: str, stream: str, field: SecretField, version: int
    ) -> Credential:
        """Return what an event says of a secret of these names."""
        return sealed(workspace, stream, field, version).credential


def sealed(workspace: str, stream: str, field: SecretField, version: int = 1) -> SealedSecret:
    """Return a sealed secret, each with a ciphertext of its own."""
    return SealedSecret(
        workspace=workspace,
        stream=stream,
        field=field,
        version=version,
        kek="kek-1-00c0ffee",
        wrapped_key=b"wrapped",
        nonce=b"twelve bytes",
        ciphertext=f"{workspace} {stream} {field} {version}".encode(),
    )


def created(workspace: str, stream: str, *fields: SecretField) -> IntegrationCreated:
    """Return the first event of an integration with secrets in *fields*."""
    return IntegrationCreated(
        name="Mail",
        type="SENDGRID",
        channel="EMAIL",
        is_active=True,
        credentials=tuple(sealed(workspace, stream, field).credential for field in fields),
    )


def replaced(workspace: str, stream: str, version: int) -> CredentialsReplaced:
    """Return the event that puts another apiKey in place of the last one."""
    return CredentialsReplaced(
        credentials=(sealed(workspace, stream, "apiKey", version).credential,)
    )


FIRST = (  # positions 1 to 8
    ("demo", "int_1", created("demo", "int_1", "apiKey")),
    ("other", "int_1", created("other", "int_1", "apiKey")),
    ("demo", "int_1", IntegrationRenamed(name="Post")),
    ("demo", "int_2", created("demo", "int_2", "apiKey")),
    ("other", "int_1", Writer.off),
    ("demo", "int_1", replaced("demo", "int_1", 2)),
    ("demo", "int_2", IntegrationDeleted()),
    ("demo", "int_3", created("demo", "int_3", *get_args(SecretField)[:2])),
)
SECOND = (  # positions 9 to 12
    ("other", "int_2", created("other", "int_2")),
    ("demo", "int_3", Writer.off),
    ("other", "int_1", Writer.on),
    ("demo", "int_1", Writer.off),
)


@pytest.fixture
def writer(commands: Pool, write_of: Callable[..., Changeset], follow: Follow) -> Writer:
    return Writer(commands, write_of, follow)


@pytest.fixture
def key(tmp_path: Path) -> CheckpointKey:
    """The key that signs in this test."""
    return open_checkpoint_key(tmp_path, create=True)


@pytest.fixture
async def follower(dsn: str) -> AsyncGenerator[AsyncConnection]:
    """A connection of the role that follows the log."""
    conninfo = make_conninfo(dsn, options=f"-c role={ROLE}")
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        yield connection


@pytest.fixture
def checkpoint_signer(key: CheckpointKey) -> CheckpointSigner:
    """What signs with the key, and remembers what it has signed."""
    return CheckpointSigner(key)


@pytest.fixture
def follow(follower: AsyncConnection, checkpoint_signer: CheckpointSigner) -> Follow:
    """Take all that is in the log, and sign."""
    return lambda: catch_up(follower, checkpoint_signer)


@pytest.fixture
def follow_again(follower: AsyncConnection, key: CheckpointKey) -> Follow:
    """Take all that is in the log, and sign, as after a start: with nothing remembered."""
    return lambda: catch_up(follower, CheckpointSigner(key))


@pytest.fixture
async def half_signed(writer: Writer) -> Writer:
    """The first eight events, signed."""
    for each in FIRST:
        await writer.append(*each)
    await writer.follow()
    return writer


@pytest.fixture
async def signed(half_signed: Writer) -> Writer:
    """Twelve events in two workspaces, signed after the eighth and after the last."""
    for each in SECOND:
        await half_signed.append(*each)
    await half_signed.follow()
    return half_signed


def silent(*_: object) -> None:
    """Tell nobody how far it is."""


@pytest.fixture
def verifying(dsn: str, key: CheckpointKey) -> Verify:
    """Verify the log: `await verifying(workspace=…, external=…)`."""

    async def run(**scope: object) -> VerificationResult:
        return await verify(dsn, AuditKeys(key.public_key), VerifyScope(**scope), silent)  # pyright: ignore[reportArgumentType] — as Scope takes it

    return run


@pytest.fixture
def other_key(tmp_path: Path) -> CheckpointKey:
    """The key of somebody else."""
    (tmp_path / "other").mkdir()
    return open_checkpoint_key(tmp_path / "other", create=True)


@pytest.fixture
def backup(dsn: str) -> Generator[Backup]:
    """Keep all tables as they are now: `set_back = backup()` sets them back to that."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger stops it

        def keep() -> Callable[[], None]:
            connection.execute("CREATE SCHEMA kept")
            for table in TABLES:
                connection.execute(
                    f"CREATE TABLE kept.{table} AS TABLE integrations.{table}".encode()
                )
            return set_back

        def set_back() -> None:
            for table in TABLES:
                [(columns,)] = connection.execute(PLAIN_COLUMNS, (table,))
                connection.execute(f"TRUNCATE integrations.{table}".encode())
                connection.execute(
                    f"INSERT INTO integrations.{table} ({columns})"  # noqa: S608 — our own
                    f" SELECT {columns} FROM kept.{table}".encode()
                )

        yield keep


async def until_signed(verifying: Verify) -> None:
    """Wait until every event is signed."""
    async with asyncio.timeout(TIMEOUT):
        while (await verifying()).unsigned:  # noqa: ASYNC110 — it does not say how far it is
            await asyncio.sleep(0.05)


@pytest.fixture
def tamper(dsn: str) -> Generator[Tamper]:
    """Do something to the database as its superuser, whom no trigger stops."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET search_path = integrations")

        def run(*statements: str) -> None:
            for statement in statements:
                assert connection.execute(statement.encode()).rowcount > 0

        yield run


def edited(position: int, change: str) -> list[str]:
    return [f"UPDATE events SET {change} WHERE position = {position}"]  # noqa: S608 — our own


def rewritten(position: int, old: str, new: str) -> list[str]:
    """Replace a piece of the stored bytes."""
    text = f"replace(convert_from(envelope, 'UTF8'), '{old}', '{new}')"
    return edited(position, f"envelope = convert_to({text}, 'UTF8')")
