"""Fault 10: a cluster loses its primary in every way."""

import time
from collections.abc import Callable, Mapping
from threading import Timer

import psycopg

from app.database.availability import ReplicationUnconfirmedError
from app.event_store.replication import CONFIRM, abort_connection, require_replicated
from tests.reliability.cluster.cluster import Cluster, cluster, open_cluster_environment
from tests.reliability.cluster.node import Node
from tests.reliability.experiment import Experiment, Outcome, run_experiment_on
from tests.reliability.fault import Fault

WRITES_BETWEEN = 30  # acknowledged writes
RECOVERY_TIMEOUT = 90.0  # seconds
SETTLING = 1.0  # seconds in which what was acknowledged before arrives
ISOLATION_SECONDS = 4.0  # seconds in which nothing may be acknowledged
CANCEL = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
WHERE wait_event = 'SyncRep' AND application_name = 'integrations_command'
"""
Scenario = Callable[[Experiment, Cluster], None]


def kill_the_primary(experiment: Experiment, nodes: Cluster) -> None:
    """Kill everything on the primary's node; start it when writes continue."""
    primary = nodes.node_as("leader")
    primary.kill()
    experiment.load.acknowledge(WRITES_BETWEEN, RECOVERY_TIMEOUT)
    primary.start()


def switch_over(experiment: Experiment, nodes: Cluster) -> None:
    """Make the standby the primary, as planned."""
    nodes.switch_over()
    experiment.load.acknowledge(WRITES_BETWEEN, RECOVERY_TIMEOUT)


def cut_off_the_primary(experiment: Experiment, nodes: Cluster) -> None:
    """Cut the primary off from etcd and the other nodes; the service still reaches it."""
    primary = nodes.node_as("leader")
    others = [node.network for node in nodes.nodes.values() if node is not primary]
    primary.network.cut_off(others)
    require_no_commits(experiment, primary)
    nodes.wait_for_another_primary(primary)
    experiment.load.acknowledge(WRITES_BETWEEN, RECOVERY_TIMEOUT)
    primary.network.join(others)


def freeze_patroni_on_primary(experiment: Experiment, nodes: Cluster) -> None:
    """Freeze Patroni on the primary: its PostgreSQL still considers itself the primary."""
    primary = nodes.node_as("leader")
    primary.freeze_patroni()
    nodes.wait_for_another_primary(primary)
    require_no_commits(experiment, primary)
    experiment.load.acknowledge(WRITES_BETWEEN, RECOVERY_TIMEOUT)
    primary.thaw()


def cancel_sync_wait(experiment: Experiment, nodes: Cluster) -> None:
    """Freeze the standby, and cancel each wait for replication for a while."""
    primary, standby = nodes.node_as("leader"), nodes.node_as("sync_standby")
    standby.freeze_postgres()
    time.sleep(SETTLING)
    before, cancelled = experiment.load.ledger.acknowledged, 0
    deadline = time.monotonic() + ISOLATION_SECONDS
    with psycopg.connect(primary.dsn, autocommit=True) as connection:
        while time.monotonic() < deadline:
            cancelled += len(connection.execute(CANCEL).fetchall())
            time.sleep(0.05)
    body = experiment.load.ledger.acknowledged - before
    standby.thaw()
    experiment.record("waits cancelled", cancelled)
    if body or not cancelled:
        experiment.report(
            NO_UNREPLICATED_COMMITS, f"{body} sent while {cancelled} waits were cancelled"
        )
    experiment.load.acknowledge(WRITES_BETWEEN, RECOVERY_TIMEOUT)


NO_UNREPLICATED_COMMITS = "nothing is acknowledged that no standby has"
SCENARIOS: Mapping[str, Scenario] = {
    "kill -9 of the primary": kill_the_primary,
    "planned switchover": switch_over,
    "primary cut off": cut_off_the_primary,
    "Patroni frozen": freeze_patroni_on_primary,
    "waits cancelled": cancel_sync_wait,
}


def require_no_commits(experiment: Experiment, primary: Node) -> None:
    """Report a violation if *primary*, which the others have replaced, confirms a commit."""
    try:
        with psycopg.connect(primary.dsn, autocommit=True) as connection:
            timer = Timer(ISOLATION_SECONDS, abort_connection, [connection])
            timer.start()
            try:
                with require_replicated(connection):
                    connection.execute(CONFIRM)
            finally:
                timer.cancel()
    except (psycopg.OperationalError, psycopg.InternalError, ReplicationUnconfirmedError):
        return
    experiment.report(NO_UNREPLICATED_COMMITS, f"{primary.name} confirms, and has no standby")


def read_a_standby(experiment: Experiment, nodes: Cluster) -> None:
    """Replay and prove the log on a standby, as an operator may."""
    for words in (("replay", "--format", "jsonl"), ("verify",)):
        done = experiment.service.command(*words, dsn=nodes.standby_dsn())
        if done.returncode:
            said = done.stderr.strip()[-500:] or done.stdout.strip()[-500:]
            experiment.report("a standby can be read", f"{words[0]}: {said}")


def lose_the_primary(rounds: int) -> Outcome:
    """Run all scenarios, one after the other, on one cluster under one load."""
    with cluster() as nodes, run_experiment_on(open_cluster_environment(nodes)) as experiment:
        ledger, longest = experiment.load.ledger, 0.0
        for _ in range(rounds):
            for name, scenario in SCENARIOS.items():
                ledger.longest_gap = 0.0
                scenario(experiment, nodes)
                experiment.record(f"{name}: no write for", f"{ledger.longest_gap:.1f} s")
                longest = max(longest, ledger.longest_gap)
                nodes.wait_until_whole()
                experiment.load.acknowledge(WRITES_BETWEEN, RECOVERY_TIMEOUT)
        ledger.longest_gap = longest
        read_a_standby(experiment, nodes)
        for node in nodes.nodes.values():
            if experiment.load.shared.marker.occurs_in(node.log_file.read_bytes()):
                experiment.report("no secret is anywhere", f"in the log of node {node.name}")
    return experiment.outcome


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
