"""Fault 10: a cluster loses its primary, in every way that there is."""

import time
from collections.abc import Callable, Mapping
from threading import Timer

import psycopg

from app.database.availability import ReplicationUnconfirmedError
from app.event_store.replication import CONFIRM, abort_connection, require_replicated
from tests.reliability.cluster.cluster import Cluster, cluster, stage_on
from tests.reliability.cluster.node import Node
from tests.reliability.fault import Fault
from tests.reliability.trial import Outcome, Trial, trial_on

BETWEEN = 30  # acknowledged writes
RECOVERING = 90.0  # seconds
SETTLING = 1.0  # seconds in which what was acknowledged before arrives
UNHEARD = 4.0  # seconds in which nothing may be acknowledged
CANCEL = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
WHERE wait_event = 'SyncRep' AND application_name = 'integrations_command'
"""
Scenario = Callable[[Trial, Cluster], None]


def kill_the_primary(on: Trial, nodes: Cluster) -> None:
    """Kill everything on the primary's node; it comes back once writes go on."""
    primary = nodes.node_as("leader")
    primary.kill()
    on.load.acknowledge(BETWEEN, RECOVERING)
    primary.start()


def switch_over(on: Trial, nodes: Cluster) -> None:
    """Make the standby the primary, as planned."""
    nodes.switch_over()
    on.load.acknowledge(BETWEEN, RECOVERING)


def cut_off_the_primary(on: Trial, nodes: Cluster) -> None:
    """Cut the primary off from etcd and the other nodes; the service still reaches it."""
    primary = nodes.node_as("leader")
    others = [node.network for node in nodes.nodes.values() if node is not primary]
    primary.network.cut_off(others)
    require_silence(on, primary)
    nodes.wait_for_another_primary(primary)
    on.load.acknowledge(BETWEEN, RECOVERING)
    primary.network.join(others)


def freeze_the_guard(on: Trial, nodes: Cluster) -> None:
    """Freeze Patroni on the primary: PostgreSQL there still calls itself one, beside another."""
    primary = nodes.node_as("leader")
    primary.freeze_patroni()
    nodes.wait_for_another_primary(primary)
    require_silence(on, primary)
    on.load.acknowledge(BETWEEN, RECOVERING)
    primary.thaw()


def cancel_the_wait(on: Trial, nodes: Cluster) -> None:
    """Freeze the standby, and cancel each wait for it for a while."""
    primary, standby = nodes.node_as("leader"), nodes.node_as("sync_standby")
    standby.freeze_postgres()
    time.sleep(SETTLING)
    before, cancelled = on.load.ledger.acknowledged, 0
    deadline = time.monotonic() + UNHEARD
    with psycopg.connect(primary.dsn, autocommit=True) as connection:
        while time.monotonic() < deadline:
            cancelled += len(connection.execute(CANCEL).fetchall())
            time.sleep(0.05)
    told = on.load.ledger.acknowledged - before
    standby.thaw()
    on.note("waits cancelled", cancelled)
    if told or not cancelled:
        on.complain(SILENCE, f"{told} told while {cancelled} waits were cancelled")
    on.load.acknowledge(BETWEEN, RECOVERING)


SILENCE = "nothing is acknowledged that no standby has"
SCENARIOS: Mapping[str, Scenario] = {
    "kill -9 of the primary": kill_the_primary,
    "planned switchover": switch_over,
    "primary cut off": cut_off_the_primary,
    "Patroni frozen": freeze_the_guard,
    "waits cancelled": cancel_the_wait,
}


def require_silence(on: Trial, primary: Node) -> None:
    """Complain where *primary*, which the others have left, confirms a commit of its own."""
    try:
        with psycopg.connect(primary.dsn, autocommit=True) as connection:
            leaving = Timer(UNHEARD, abort_connection, [connection])
            leaving.start()
            try:
                with require_replicated(connection):
                    connection.execute(CONFIRM)
            finally:
                leaving.cancel()
    except (psycopg.OperationalError, psycopg.InternalError, ReplicationUnconfirmedError):
        return
    on.complain(SILENCE, f"{primary.name} confirms, and has no standby")


def read_a_standby(on: Trial, nodes: Cluster) -> None:
    """Replay and prove the log on a standby, as an operator may."""
    for words in (("replay", "--format", "jsonl"), ("verify",)):
        done = on.stage.service.command(*words, dsn=nodes.standby_dsn())
        if done.returncode:
            said = done.stderr.strip()[-500:] or done.stdout.strip()[-500:]
            on.complain("a standby can be read", f"{words[0]}: {said}")


def lose_the_primary(rounds: int) -> Outcome:
    """Play all scenarios, one after the other, on one cluster under one load."""
    with cluster() as nodes, trial_on(stage_on(nodes)) as on:
        ledger, longest = on.load.ledger, 0.0
        for _ in range(rounds):
            for name, scenario in SCENARIOS.items():
                ledger.longest_gap = 0.0
                scenario(on, nodes)
                on.note(f"{name}: no write for", f"{ledger.longest_gap:.1f} s")
                longest = max(longest, ledger.longest_gap)
                nodes.wait_until_whole()
                on.load.acknowledge(BETWEEN, RECOVERING)
        ledger.longest_gap = longest
        read_a_standby(on, nodes)
        for node in nodes.nodes.values():
            if on.load.shared.mark.stands_in(node.log_file.read_bytes()):
                on.complain("no secret is anywhere", f"in the log of node {node.name}")
    return on.outcome


FAULTS = [
    Fault(
        "cluster",
        "a cluster of three loses its primary: killed, switched, cut off, hung; waits cancelled",
        lose_the_primary,
        short=1,
        long=1,
        apart="needs root, Patroni, etcd and HAProxy",
    )
]
