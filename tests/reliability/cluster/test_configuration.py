"""The configuration of the cluster's programs, and that the docs say the same."""

import json
from pathlib import Path

from tests.reliability.cluster.configuration import (
    CONSENSUS,
    etcd_command,
    haproxy_file,
    patroni_file,
)
from tests.reliability.cluster.node_network import Network

NODES = {name: Network(name, f"10.0.0.{number}") for number, name in enumerate("abc", 11)}
GATE = Network("gate", "127.0.0.1")
PASSWORDS = {name: f"secret-of-{name}" for name in ("postgres", "replicator", "rewinder")}
FOLDER = Path("/nodes/a")
POSTGRESQL = Path(__file__).parents[3] / "docs/postgresql.md"


def test_a_lost_answer_of_etcd_costs_no_lock() -> None:
    looks = [CONSENSUS[name] for name in ("ttl", "loop_wait", "retry_timeout")]
    ttl, loop_wait, retry_timeout = (int(str(seconds)) for seconds in looks)
    assert ttl >= loop_wait + 2 * retry_timeout


def test_patroni_waits_for_a_standby_and_asks_every_etcd() -> None:
    body = json.loads(patroni_file(FOLDER, NODES["a"], NODES, PASSWORDS))
    assert body["bootstrap"]["dcs"]["synchronous_mode_strict"] is True
    assert body["etcd"]["hosts"] == ["10.0.0.11:2379", "10.0.0.12:2379", "10.0.0.13:2379"]
    assert body["postgresql"]["listen"] == "10.0.0.11:5432"
    assert body["postgresql"]["authentication"]["rewind"]["password"] == PASSWORDS["rewinder"]


def test_what_haproxy_is_told_is_what_the_docs_show() -> None:
    assert haproxy_file(GATE, NODES) in POSTGRESQL.read_text()


def test_the_docs_start_etcd_as_we_do() -> None:
    text = POSTGRESQL.read_text()
    for option in etcd_command(FOLDER, NODES["a"], NODES)[1:]:
        name, value = option.split("=", 1)
        if name not in {"--data-dir", "--log-level"}:
            assert f"{name} {value}" in text or (value == "true" and name in text)


def test_the_docs_tell_patroni_what_we_do() -> None:
    body = POSTGRESQL.read_text()
    for name in ("ttl", "loop_wait", "retry_timeout"):
        assert f"    {name}: {CONSENSUS[name]}" in body
    assert "etcd: {hosts:" in body
    assert "synchronous_mode_strict: true" in body
