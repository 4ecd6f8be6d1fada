"""Fault 4: the way to the database is cut, reset, slow, stalled, half open, or loses packets."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app.database.pools import ANSWER, PATIENCE
from tests.reliability.fault import Fault
from tests.reliability.own_network import NEEDS, dropped, in_own_network
from tests.reliability.proxy import Proxy, swallow_one
from tests.reliability.trial import Outcome, Trial, trial

BETWEEN = 15  # acknowledged writes
SLOW = 0.05  # seconds
STALLED = 15.0  # seconds: longer than any answer may take
# Seconds that any answer may take, whatever happens to the network: the wait for a connection, what
# one answer of the database may take on it, and a little for a busy machine.
BOUND = PATIENCE + ANSWER + 2.5
BACK = 15.0  # seconds after which writes must go on: at once, on a busy machine
LOSS = 0.05  # of all packets
PORT = 5432  # of the server; free in a network of our own
LOSSY = 20.0  # seconds


def lost_replies(rounds: int) -> Outcome:
    """Cut the connection after COMMIT, before its reply arrives."""
    proxy = Proxy()
    with trial(way=proxy.open) as on:
        for _ in range(rounds):
            on.load.acknowledge(BETWEEN)
            if not swallow_one(proxy):
                on.complain("a reply is lost", "no append went through the proxy")
        on.load.acknowledge(BETWEEN)
        on.note("replies lost", proxy.swallowed)
        require_bound(on)
    return on.outcome


def resets(rounds: int) -> Outcome:
    """Reset all connections to the database at once."""
    proxy, count = Proxy(), 0
    with trial(way=proxy.open) as on:
        for _ in range(rounds):
            on.load.acknowledge(BETWEEN)
            count += proxy.reset_all()
        on.load.acknowledge(BETWEEN)
        on.note("connections reset", count)
        require_bound(on)
    return on.outcome


def slow(rounds: int) -> Outcome:
    """Let each answer of the database take 50 ms longer: all goes on, slower."""
    proxy = Proxy()
    with trial(way=proxy.open) as on:
        proxy.delay = SLOW
        began = time.monotonic()
        on.load.acknowledge(rounds * BETWEEN)
        on.note("writes a second", f"{rounds * BETWEEN / (time.monotonic() - began):.0f}")
        proxy.delay = 0
        if on.load.ledger.statuses["503"]:
            on.complain("slow is not away", f"{on.load.ledger.statuses['503']} answers of 503")
        require_bound(on)
    return on.outcome


def stall(rounds: int) -> Outcome:
    """Acknowledge every packet and pass nothing on: no time-out of TCP sees that."""
    proxy, back = Proxy(), list[float]()
    with trial(way=proxy.open) as on:
        for _ in range(rounds):
            on.load.acknowledge(BETWEEN)
            proxy.stalled = True
            time.sleep(STALLED)
            proxy.stalled = False
            back.append(first_write(on))
        on.load.acknowledge(BETWEEN)
        on.note("first write once it is back, at most", f"{max(back):.2f} s")
        require_bound(on)
    return on.outcome


def half_open(rounds: int) -> Outcome:
    """Drop all packets between service and database: connections stay, and nothing answers."""
    return in_own_network(partial(half_open_there, rounds))


def half_open_there(rounds: int) -> Outcome:
    """Make connections half open, in a network of our own."""
    back: list[float] = []
    with trial(settings={"listen_addresses": "127.0.0.1"}, way=by_tcp) as on:
        for _ in range(rounds):
            on.load.acknowledge(BETWEEN)
            with dropped(PORT):
                time.sleep(STALLED)
            back.append(first_write(on))
        on.load.acknowledge(BETWEEN)
        on.note("first write once packets arrive, at most", f"{max(back):.2f} s")
        require_bound(on)
    return on.outcome


def loss(rounds: int) -> Outcome:
    """Lose one packet of twenty each way."""
    return in_own_network(partial(loss_there, rounds))


def loss_there(rounds: int) -> Outcome:
    """Lose packets, in a network of our own."""
    with trial(settings={"listen_addresses": "127.0.0.1"}, way=by_tcp) as on:
        before, began = on.load.ledger.acknowledged, time.monotonic()
        with dropped(PORT, LOSS):
            time.sleep(LOSSY * rounds)
            wrote = (on.load.ledger.acknowledged - before) / (time.monotonic() - began)
        on.note("writes a second", f"{wrote:.0f}")
        on.load.acknowledge(BETWEEN)
        require_bound(on)
    return on.outcome


@contextmanager
def by_tcp(dsn: str) -> Generator[str]:
    """Yield the way to *dsn* over TCP."""
    direct = conninfo_to_dict(dsn)
    yield make_conninfo("", **direct | {"host": "127.0.0.1"})


def first_write(on: Trial) -> float:
    """Return the seconds until a write is acknowledged again, which must be soon."""
    began = time.monotonic()
    on.load.acknowledge(1, BACK)
    return time.monotonic() - began


def require_bound(on: Trial) -> None:
    """Complain where an answer took longer than any time-out explains."""
    if on.load.ledger.longest_answer > BOUND:
        on.complain("answers come in time", f"{on.load.ledger.longest_answer:.1f} s")


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
