"""Fault 4: the connection to the database is cut, reset, slow, stalled, half open, or lossy."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app.database.pools import ACQUIRE_TIMEOUT, RESPONSE_TIMEOUT
from tests.reliability.experiment import Experiment, Outcome, run_experiment
from tests.reliability.fault import Fault
from tests.reliability.network_namespace import NEEDS, drop_packets, in_network_namespace
from tests.reliability.proxy import Proxy, lose_one_reply

WRITES_BETWEEN = 15  # acknowledged writes
SLOW = 0.05  # seconds
STALLED = 15.0  # seconds: longer than any response may take
# Seconds that any response may take, whatever happens to the network: the wait for a connection,
# the wait for the database on it, and a little for a busy machine.
BOUND = ACQUIRE_TIMEOUT + RESPONSE_TIMEOUT + 2.5
RECOVERY_TIMEOUT = 15.0  # seconds after which writes must continue: at once, on a busy machine
LOSS = 0.05  # of all packets
PORT = 5432  # of the server; free in a network of our own
LOSSY = 20.0  # seconds


def lost_replies(rounds: int) -> Outcome:
    """Cut the connection after COMMIT, before its reply arrives."""
    proxy = Proxy()
    with run_experiment(route=proxy.open) as experiment:
        for _ in range(rounds):
            experiment.load.acknowledge(WRITES_BETWEEN)
            if not lose_one_reply(proxy):
                experiment.report("a reply is lost", "no append went through the proxy")
        experiment.load.acknowledge(WRITES_BETWEEN)
        experiment.record("replies lost", proxy.lost_replies)
        require_timely_responses(experiment)
    return experiment.outcome


def resets(rounds: int) -> Outcome:
    """Reset all connections to the database at once."""
    proxy, count = Proxy(), 0
    with run_experiment(route=proxy.open) as experiment:
        for _ in range(rounds):
            experiment.load.acknowledge(WRITES_BETWEEN)
            count += proxy.reset_all()
        experiment.load.acknowledge(WRITES_BETWEEN)
        experiment.record("connections reset", count)
        require_timely_responses(experiment)
    return experiment.outcome


def slow(rounds: int) -> Outcome:
    """Let each response of the database take 50 ms longer: everything works, slower."""
    proxy = Proxy()
    with run_experiment(route=proxy.open) as experiment:
        proxy.delay = SLOW
        began = time.monotonic()
        experiment.load.acknowledge(rounds * WRITES_BETWEEN)
        experiment.record(
            "writes a second", f"{rounds * WRITES_BETWEEN / (time.monotonic() - began):.0f}"
        )
        proxy.delay = 0
        if experiment.load.ledger.statuses["503"]:
            experiment.report(
                "slow is not away", f"{experiment.load.ledger.statuses['503']} answers of 503"
            )
        require_timely_responses(experiment)
    return experiment.outcome


def stall(rounds: int) -> Outcome:
    """Acknowledge every packet and forward nothing: no TCP time-out notices that."""
    proxy, back = Proxy(), list[float]()
    with run_experiment(route=proxy.open) as experiment:
        for _ in range(rounds):
            experiment.load.acknowledge(WRITES_BETWEEN)
            proxy.stalled = True
            time.sleep(STALLED)
            proxy.stalled = False
            back.append(first_write(experiment))
        experiment.load.acknowledge(WRITES_BETWEEN)
        experiment.record("first write once it is back, at most", f"{max(back):.2f} s")
        require_timely_responses(experiment)
    return experiment.outcome


def half_open(rounds: int) -> Outcome:
    """Drop all packets between service and database: connections stay open without a response."""
    return in_network_namespace(partial(half_open_in_namespace, rounds))


def half_open_in_namespace(rounds: int) -> Outcome:
    """Make connections half open, in a network of our own."""
    back: list[float] = []
    with run_experiment(settings={"listen_addresses": "127.0.0.1"}, route=by_tcp) as experiment:
        for _ in range(rounds):
            experiment.load.acknowledge(WRITES_BETWEEN)
            with drop_packets(PORT):
                time.sleep(STALLED)
            back.append(first_write(experiment))
        experiment.load.acknowledge(WRITES_BETWEEN)
        experiment.record("first write once packets arrive, at most", f"{max(back):.2f} s")
        require_timely_responses(experiment)
    return experiment.outcome


def loss(rounds: int) -> Outcome:
    """Lose one packet of twenty each way."""
    return in_network_namespace(partial(loss_in_namespace, rounds))


def loss_in_namespace(rounds: int) -> Outcome:
    """Lose packets, in a network of our own."""
    with run_experiment(settings={"listen_addresses": "127.0.0.1"}, route=by_tcp) as experiment:
        before, began = experiment.load.ledger.acknowledged, time.monotonic()
        with drop_packets(PORT, LOSS):
            time.sleep(LOSSY * rounds)
            wrote = (experiment.load.ledger.acknowledged - before) / (time.monotonic() - began)
        experiment.record("writes a second", f"{wrote:.0f}")
        experiment.load.acknowledge(WRITES_BETWEEN)
        require_timely_responses(experiment)
    return experiment.outcome


@contextmanager
def by_tcp(dsn: str) -> Generator[str]:
    """Yield *dsn* over TCP."""
    direct = conninfo_to_dict(dsn)
    yield make_conninfo("", **direct | {"host": "127.0.0.1"})


def first_write(experiment: Experiment) -> float:
    """Return the seconds until a write is acknowledged again, which must be soon."""
    began = time.monotonic()
    experiment.load.acknowledge(1, RECOVERY_TIMEOUT)
    return time.monotonic() - began


def require_timely_responses(experiment: Experiment) -> None:
    """Report a response that took longer than all time-outs together."""
    if experiment.load.ledger.slowest_response > BOUND:
        experiment.report(
            "answers come in time", f"{experiment.load.ledger.slowest_response:.1f} s"
        )


FAULTS = [
    Fault("lost-replies", "the reply to COMMIT is cut off", lost_replies, short=5, long=50),
    Fault(
        "resets", "all connections to the database are reset", resets, short=3, long=50, in_ci=False
    ),
    Fault(
        "slow-database",
        "each answer of the database takes 50 ms longer",
        slow,
        short=4,
        in_ci=False,
    ),
    Fault("stalled-database", "the database's end acknowledges and is silent", stall, long=3),
    Fault(
        "half-open", "packets to the database are dropped for 15 s", half_open, apart=NEEDS, long=3
    ),
    Fault("packet-loss", "5 % of the packets are lost, each way", loss, apart=NEEDS, long=3),
]
