"""A network namespace for one fault: its firewall drops what we like, and nobody else notices."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")
CLONE_NEWNET = 0x40000000
NEEDS = "needs root, and Debian's iproute2 and iptables: apt-get install -y iproute2 iptables"


class NetworkError(Exception):
    """There can be no network of our own."""


def in_own_network(run: Callable[[], Result]) -> Result:
    """Return what *run* does in a thread whose network, and that of all it starts, is its own.

    Raises:
        NetworkError: rights or programs are missing.
    """
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("iptables"):
        raise NetworkError(NEEDS)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(entered, run).result()


def entered(run: Callable[[], Result]) -> Result:
    """Leave this thread's network for a new one, and run there."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise NetworkError(os.strerror(ctypes.get_errno()))
    order("ip", "link", "set", "lo", "up")
    return run()


@contextmanager
def dropped(port: int, share: float = 1.0) -> Generator[None]:
    """Drop *share* of all packets from and to *port* while the block runs."""
    chance = (
        () if share >= 1 else ("-m", "statistic", "--mode", "random", "--probability", f"{share}")
    )
    rules = [("-p", "tcp", way, str(port), *chance, "-j", "DROP") for way in ("--dport", "--sport")]
    for rule in rules:
        order("iptables", "-A", "INPUT", *rule)
    try:
        yield
    finally:
        for rule in rules:
            order("iptables", "-D", "INPUT", *rule)


def order(*words: str) -> None:
    """Run a program of Debian's to its end; raise NetworkError where it fails."""
    done = subprocess.run([*words], capture_output=True, text=True, check=False)  # noqa: S603 — our words, no shell
    if done.returncode:
        message = f"{' '.join(words)}: {done.stderr.strip()}"
        raise NetworkError(message)
