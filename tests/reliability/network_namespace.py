"""A network namespace for one fault: its firewall drops packets of this fault alone."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
NEEDS = "needs root, and Debian's iproute2 and iptables: apt-get install -y iproute2 iptables"


class NetworkError(Exception):
    """No network namespace can be made."""


def in_network_namespace(run: Callable[[], Result]) -> Result:
    """Return what *run* does while the network of this thread, and of all it starts, is its own.

    Not in another thread: a signal that ends the command must end what runs here.

    Raises:
        NetworkError: rights or programs are missing.
    """
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("iptables"):
        raise NetworkError(NEEDS)
    with Path("/proc/thread-self/ns/net").open("rb") as before:
        require_success(LIBC.unshare(CLONE_NEWNET))
        try:
            run_program("ip", "link", "set", "lo", "up")
            return run()
        finally:
            require_success(LIBC.setns(before.fileno(), CLONE_NEWNET))


def require_success(status: int) -> None:
    """Raise NetworkError if a function of the C library failed."""
    if status != 0:
        raise NetworkError(os.strerror(ctypes.get_errno()))


@contextmanager
def drop_packets(port: int, rate: float = 1.0) -> Generator[None]:
    """Drop *rate* (at most 1) of all packets from and to *port* while the block runs."""
    chance = (
        () if rate >= 1 else ("-m", "statistic", "--mode", "random", "--probability", f"{rate}")
    )
    rules = [("-p", "tcp", way, str(port), *chance, "-j", "DROP") for way in ("--dport", "--sport")]
    for rule in rules:
        run_program("iptables", "-A", "INPUT", *rule)
    try:
        yield
    finally:
        for rule in rules:
            run_program("iptables", "-D", "INPUT", *rule)


def run_program(*words: str) -> None:
    """Run one of Debian's programs to its end; raise NetworkError if it fails."""
    done = subprocess.run([*words], capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{' '.join(words)}: {done.stderr.strip()}"
        raise NetworkError(message)
