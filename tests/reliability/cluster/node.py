"""One node of the cluster: its etcd, its Patroni, and the PostgreSQL that Patroni keeps."""

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
        """Start etcd and Patroni; Patroni starts PostgreSQL once it knows as what."""
        with self.log_file.open("ab") as log:
            self.network.spawn(self.etcd, log)
            self.network.spawn([PATRONI, str(self.folder / "patroni.json")], log)

    @property
    def log_file(self) -> Path:
        """What everything on the node says."""
        return self.folder / "log"

    def kill(self) -> None:
        """Send SIGKILL to everything on the node: PostgreSQL, Patroni and etcd."""
        self.network.kill()

    def freeze_patroni(self) -> None:
        """Stop Patroni in its tracks; its PostgreSQL goes on."""
        self.network.signal(signal.SIGSTOP, [PATRONI])

    def freeze_postgres(self) -> None:
        """Stop PostgreSQL in its tracks; connections to it stay open."""
        self.network.signal(signal.SIGSTOP, ["postgres"])

    def thaw(self) -> None:
        """Let everything that was stopped in its tracks go on."""
        self.network.signal(signal.SIGCONT)
