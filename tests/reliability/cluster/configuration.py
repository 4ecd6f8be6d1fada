"""The configuration of etcd, Patroni and HAProxy, as docs/postgresql.md shows it."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.reliability.cluster.node_network import PREFIX, Network

PROGRAMS = "/usr/lib/postgresql/15/bin"
SUPERUSER = "postgres"
POSTGRES, REST, CLIENTS, PEERS = 5432, 8008, 2379, 2380  # ports
# A lock that nobody renews is free after `ttl`: no write is possible for so long once a primary
# is lost. It must be at least loop_wait + 2 retry_timeout, so that one lost answer costs nothing.
CONSENSUS = {
    "ttl": 20,
    "loop_wait": 5,
    "retry_timeout": 5,
    "synchronous_mode": True,
    "synchronous_mode_strict": True,  # rather no write than one that only the primary has
    "postgresql": {
        "use_pg_rewind": True,
        "use_slots": True,
        "parameters": {
            "synchronous_commit": "on",
            "wal_sender_timeout": "10s",
            "log_parameter_max_length": 0,
            "log_parameter_max_length_on_error": 0,
        },
    },
}


def etcd_command(folder: Path, node: Network, nodes: Mapping[str, Network]) -> list[str]:
    """Return the command that starts the etcd of *node*, one of *nodes*."""
    own, peers = f"http://{node.address}:{CLIENTS}", f"http://{node.address}:{PEERS}"
    everybody = ",".join(f"{name}=http://{each.address}:{PEERS}" for name, each in nodes.items())
    options = {
        "name": node.name,
        "data-dir": str(folder / "etcd"),
        "listen-client-urls": own,
        "advertise-client-urls": own,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": everybody,
        "initial-cluster-token": "integrations",
        "initial-cluster-state": "new",
        "enable-v2": "true",
        "pre-vote": "true",  # a node that was cut off does not unseat the leader when it is back
        "log-level": "warn",
    }
    return ["/usr/bin/etcd", *(f"--{name}={value}" for name, value in options.items())]


def patroni_file(
    folder: Path, node: Network, nodes: Mapping[str, Network], passwords: Mapping[str, str]
) -> str:
    """Return the configuration of the Patroni of *node*: JSON, which is YAML too."""
    neighbours = f"{node.address.rsplit('.', 1)[0]}.0/{PREFIX}"
    roles = {"superuser": SUPERUSER, "replication": "replicator", "rewind": "rewinder"}
    accounts = {
        role: {"username": name, "password": passwords[name]} for role, name in roles.items()
    }
    return json.dumps(
        {
            "scope": "integrations",
            "name": node.name,
            "restapi": {
                "listen": f"{node.address}:{REST}",
                "connect_address": f"{node.address}:{REST}",
            },
            # By the older interface, which asks etcd each time. What Patroni 3.0.2 reads by `etcd3`
            # it keeps, and by that a primary that had been cut off took itself for the leader.
            "etcd": {"hosts": [f"{each.address}:{CLIENTS}" for each in nodes.values()]},
            "bootstrap": {
                "dcs": CONSENSUS,
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"{node.address}:{POSTGRES}",
                "connect_address": f"{node.address}:{POSTGRES}",
                "data_dir": str(folder / "data"),
                "bin_dir": PROGRAMS,
                "pgpass": str(folder / "pgpass"),
                "use_unix_socket": True,
                "authentication": accounts,
                "parameters": {"unix_socket_directories": str(folder)},
                "pg_hba": [
                    "local all all peer",
                    f"host replication replicator {neighbours} scram-sha-256",
                    f"host all all {neighbours} scram-sha-256",
                ],
            },
        },
        indent=2,
    )


def haproxy_file(gate: Network, nodes: Mapping[str, Network]) -> str:
    """Return the configuration of the HAProxy in front of *nodes*.

    It checks each Patroni for the lock, and not PostgreSQL: a primary whose Patroni
    hangs would still consider itself the primary.
    """
    servers = "\n".join(
        f"    server {name} {node.address}:{POSTGRES} check port {REST}"
        for name, node in nodes.items()
    )
    return f"""\
defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
    timeout check 2s

listen primary
    bind {gate.address}:{POSTGRES}
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
{servers}
"""
