"""The cluster: three nodes, and the one address of the primary in front of them."""

import os
import secrets
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import gettempdir

import click
import httpx2
import msgspec
import psycopg
from msgspec import Struct
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from tests.reliability.client import NO_TLS
from tests.reliability.cluster.configuration import (
    POSTGRES,
    PROGRAMS,
    REST,
    SUPERUSER,
    haproxy_file,
)
from tests.reliability.cluster.node import PATRONI, Node
from tests.reliability.cluster.node_network import Network, make_bridge, remove_networks
from tests.reliability.environment import Environment, new_folder
from tests.reliability.service import Service, until

NEEDED = (PATRONI, "/usr/bin/etcd", "/usr/sbin/haproxy", f"{PROGRAMS}/postgres")
PACKAGES = "apt-get install -y patroni python3-etcd etcd-server haproxy postgresql-15"
NAMES = ("a", "b", "c")
PARTS = {"leader", "sync_standby", "replica"}
USER = "integrations"  # the service's: no superuser
START_TIMEOUT = 90.0  # seconds
LOCK = Path(gettempdir(), "integrations-faults-cluster.lock")


class ClusterError(click.ClickException):
    """The cluster cannot be started; the one line says why."""


class Member(Struct):
    """A node as Patroni sees it."""

    name: str
    role: str
    state: str
    timeline: int = 0


class Members(Struct):
    """All nodes as Patroni sees them."""

    members: Sequence[Member]


class Cluster:
    """Three nodes in *folder*; `dsn` is the service's, `superuser_dsn` the checker's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = (SUPERUSER, USER, "replicator", "rewinder")
        self.passwords = {name: secrets.token_hex(16) for name in names}
        networks = {
            name: Network(name, f"10.231.7.{number}") for number, name in enumerate(NAMES, 11)
        }
        self.nodes: Mapping[str, Node] = {
            name: Node(folder, network, networks, self.passwords)
            for name, network in networks.items()
        }
        self.gate = Network("gate", "10.231.7.10")
        self.networks = [*networks.values(), self.gate]
        self.dsn = self._through_the_gate(USER)
        self.superuser_dsn = self._through_the_gate(SUPERUSER)

    def create(self) -> None:
        """Start all nodes, and return when each has its role."""
        remove_networks(self.networks)
        make_bridge()
        for network in self.networks:
            network.make()
        for node in self.nodes.values():
            node.create()
            node.start()
        self.wait_until_whole()
        self._create_database()
        self._open_gate()

    def wait_until_whole(self) -> None:
        """Wait until there are a primary, its standby and one more, and all agree on the roles."""
        if until(self._is_whole, START_TIMEOUT) < 0:
            views = [self.members_by_role(node) for node in self.nodes.values()]
            body = [{part: node.name for part, node in view.items()} for view in views]
            message = f"The cluster is not whole: {body}"
            raise ClusterError(message)

    def wait_for_another_primary(self, than: Node) -> None:
        """Wait until the others see another node *than* this one as the primary."""

        def is_another() -> bool:
            views = [self.members_by_role(node) for node in self.nodes.values() if node is not than]
            return all("leader" in view and view["leader"] is not than for view in views)

        if until(is_another, START_TIMEOUT) < 0:
            message = f"There is no other primary than {than.name}"
            raise ClusterError(message)

    def members_by_role(self, node: Node) -> Mapping[str, Node]:
        """Return the node of each role as *node* sees it; none if it does not respond.

        A node that is still on an old timeline has no role.
        """
        try:
            content = request_patroni(node, "GET", "/cluster").content
            members = msgspec.json.decode(content, type=Members).members
        except (httpx2.TransportError, msgspec.MsgspecError):
            return {}
        newest = max((each.timeline for each in members), default=0)
        well = [each for each in members if (each.state, each.timeline) == ("running", newest)]
        return {each.role: self.nodes[each.name] for each in well}

    def node_as(self, part: str) -> Node:
        """Return the node with the role *part* in a whole cluster, such as `sync_standby`."""
        return self.members_by_role(self.nodes[NAMES[0]])[part]

    def standby_dsn(self) -> str:
        """Return the DSN of the asynchronous standby, as the service's user."""
        dsn = self.node_as("replica").dsn
        return make_conninfo(dsn, user=USER, password=self.passwords[USER])

    def switch_over(self) -> None:
        """Make the standby the primary, as planned."""
        primary, standby = self.node_as("leader"), self.node_as("sync_standby")
        response = request_patroni(
            primary, "POST", "/switchover", leader=primary.name, candidate=standby.name
        )
        if not response.is_success:
            message = f"No switchover: {response.text}"
            raise ClusterError(message)

    def end(self) -> None:
        """Remove everything."""
        remove_networks(self.networks)

    def _is_whole(self) -> bool:
        first, *others = [self.members_by_role(node) for node in self.nodes.values()]
        return {*first} == PARTS and all(other == first for other in others)

    def _create_database(self) -> None:
        primary = self.node_as("leader")
        with psycopg.connect(primary.dsn, dbname="postgres", autocommit=True) as connection:
            password = Literal(self.passwords[USER])
            user = Identifier(USER)
            role = SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}")
            connection.execute(role.format(user, password))
            connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(user, user))

    def _open_gate(self) -> None:
        file = self.folder / "haproxy.cfg"
        file.write_text(
            haproxy_file(self.gate, {n: node.network for n, node in self.nodes.items()})
        )
        with (self.folder / "haproxy.log").open("ab") as log:
            self.gate.spawn(["/usr/sbin/haproxy", "-db", "-f", str(file)], log)

        def is_open() -> bool:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.superuser_dsn).close()
                return True
            return False

        if until(is_open, START_TIMEOUT) < 0:
            message = "HAProxy accepts no connection."
            raise ClusterError(message)

    def _through_the_gate(self, user: str) -> str:
        return make_conninfo(
            host=self.gate.address,
            port=str(POSTGRES),
            user=user,
            password=self.passwords[user],
            dbname=USER,
            connect_timeout="5",
        )


def request_patroni(node: Node, method: str, path: str, **body: str) -> httpx2.Response:
    """Return the response of Patroni on *node*."""
    address = f"http://{node.network.address}:{REST}{path}"
    timeout = 30 if body else 2
    with httpx2.Client(timeout=timeout, verify=NO_TLS, trust_env=False) as client:
        return client.request(method, address, json=body or None)


@contextmanager
def cluster() -> Generator[Cluster]:
    """Yield a running cluster; it is removed when the block ends."""
    if os.geteuid() != 0:
        message = "Network namespaces need root."
        raise ClusterError(message)
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        message = f"{', '.join(missing)} is missing: {PACKAGES}"
        raise ClusterError(message)
    with LOCK.open("w") as only_one, new_folder() as folder:
        try:
            flock(only_one, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            message = "Another cluster runs on this machine."
            raise ClusterError(message) from None
        made = Cluster(folder)
        try:
            made.create()
            yield made
        finally:
            made.end()


@contextmanager
def open_cluster_environment(standing: Cluster, workers: int = 2) -> Generator[Environment]:
    """Yield an environment with the service on the cluster *standing*."""
    with new_folder() as folder:
        service = Service(folder, standing.dsn, workers=workers)
        try:
            service.start()
            yield Environment(folder, standing.superuser_dsn, service)
        finally:
            service.end()
