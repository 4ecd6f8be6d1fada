"""One node of the cluster: its etcd, its Patroni, and the PostgreSQL that Patroni runs."""

import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import make_conninfo

from tests.reliability.cluster.configuration import (
    POSTGRES,
    SUPERUSER,
    etcd_command,
    patroni_file,
)
from tests.reliability.cluster.node_network import ACCOUNT, Network

PATRONI = "/usr/bin/patroni"


class Node:
    """One node in *folder*, on the network *network*, among *networks*."""

    def __init__(
        self,
        folder: Path,
        network: Network,
        networks: Mapping[str, Network],
        passwords: Mapping[str, str],
    ) -> None:
        self.name = network.name
        self.network = network
        self.folder = folder / network.name
        self.etcd = etcd_command(self.folder, network, networks)
        self.configuration = patroni_file(self.folder, network, networks, passwords)
        self.dsn = make_conninfo(
            host=network.address,
            port=str(POSTGRES),
            user=SUPERUSER,
            password=passwords[SUPERUSER],
            dbname="integrations",
            connect_timeout="2",
        )

    def create(self) -> None:
        """Write its configuration, which holds passwords, for its account alone."""
        self.folder.mkdir(mode=0o700)
        file = self.folder / "patroni.json"
        file.touch(mode=0o600)
        file.write_text(self.configuration)
        for path in (self.folder, file):
            shutil.chown(path, ACCOUNT, ACCOUNT)

    def start(self) -> None:
        """Start etcd and Patroni; Patroni starts PostgreSQL when it knows its role."""
        with self.log_file.open("ab") as log:
            self.network.spawn(self.etcd, log)
            self.network.spawn([PATRONI, str(self.folder / "patroni.json")], log)

    @property
    def log_file(self) -> Path:
        """The log of everything on the node."""
        return self.folder / "log"

    def kill(self) -> None:
        """Send SIGKILL to everything on the node: PostgreSQL, Patroni and etcd."""
        self.network.kill()

    def freeze_patroni(self) -> None:
        """Freeze Patroni; its PostgreSQL still runs."""
        self.network.signal(signal.SIGSTOP, [PATRONI])

    def freeze_postgres(self) -> None:
        """Freeze PostgreSQL; connections to it stay open."""
        self.network.signal(signal.SIGSTOP, ["postgres"])

    def thaw(self) -> None:
        """Resume everything that was frozen."""
        self.network.signal(signal.SIGCONT)
