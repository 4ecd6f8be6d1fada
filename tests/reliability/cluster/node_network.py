"""Network namespaces, one per node, joined by a bridge; a node's processes are found by it.

A run that was killed leaves its networks behind; the next one removes them.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

BRIDGE = "faults0"
OURS = "10.231.7.1"  # this machine's address on the bridge
PREFIX = 24
ACCOUNT = "postgres"  # runs everything in the networks; of Debian's package
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
END_TIMEOUT = 10.0  # seconds


class Network:
    """One network namespace with one address on the bridge."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.space = f"faults-{name}"
        self.address = address
        self.plug = f"{BRIDGE}-{name}"
        self._spawned: list[subprocess.Popen[bytes]] = []

    def make(self) -> None:
        """Make it, and plug it into the bridge."""
        ip("netns", "add", self.space)
        ip("link", "add", self.plug, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        ip("link", "set", self.plug, "master", BRIDGE, "up")
        ip("-n", self.space, "addr", "add", f"{self.address}/{PREFIX}", "dev", "eth0")
        for device in ("lo", "eth0"):
            ip("-n", self.space, "link", "set", device, "up")

    def spawn(self, command: Sequence[str], log: IO[bytes]) -> None:
        """Start *command* in it, as the account without rights."""
        who = ("setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--init-groups")
        child = subprocess.Popen(
            ["/usr/sbin/ip", "netns", "exec", self.space, *who, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        self._spawned.append(child)

    def processes(self) -> Mapping[int, str]:
        """Return the processes that run in it, with their command lines."""
        found = {int(pid): Path("/proc", pid) for pid in ip("netns", "pids", self.space).split()}
        return {pid: command_line(folder) for pid, folder in found.items()}

    def signal(self, what: signal.Signals, beginning: Iterable[str] = ("",)) -> None:
        """Send *what* to the processes whose command line begins with one of *beginning*."""
        for pid, line in self.processes().items():
            if any(part in line for part in beginning):
                with suppress(ProcessLookupError):
                    os.kill(pid, what)

    def kill(self) -> None:
        """Send SIGKILL to everything in it, until nothing is left."""
        deadline = time.monotonic() + END_TIMEOUT
        while self.processes() and time.monotonic() < deadline:
            self.signal(signal.SIGKILL)
            time.sleep(0.05)
        while self._spawned:
            self._spawned.pop().wait(END_TIMEOUT)

    def cut_off(self, others: Iterable["Network"]) -> None:
        """Drop all packets between it and *others*; all other machines still reach it."""
        for other in others:
            for here, there in ((self, other), (other, self)):
                ip("-n", here.space, "route", "add", "blackhole", f"{there.address}/32")

    def join(self, others: Iterable["Network"]) -> None:
        """Let it and *others* reach each other again."""
        for other in others:
            for here, there in ((self, other), (other, self)):
                ip("-n", here.space, "route", "del", "blackhole", f"{there.address}/32")


def make_bridge() -> None:
    """Make the bridge that joins the networks and this machine."""
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("addr", "add", f"{OURS}/{PREFIX}", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")


def remove_networks(networks: Iterable[Network]) -> None:
    """End all that runs in *networks*, of this run or an earlier one, and remove them."""
    there = ip("netns", "list").split()
    for network in networks:
        if network.space in there:
            network.kill()
        remove_link(network.plug)  # a namespace takes its time to go, and a new one needs the name
        if network.space in there:
            ip("netns", "del", network.space)
    remove_link(BRIDGE)


def remove_link(name: str) -> None:
    """Remove the network device *name*, if it exists."""
    if Path("/sys/class/net", name).exists():
        ip("link", "del", name)


def ip(*words: str) -> str:
    """Run the command `ip`; return its output."""
    return subprocess.run(
        ["/usr/sbin/ip", *words], check=True, capture_output=True, text=True, timeout=30
    ).stdout


def command_line(folder: Path) -> str:
    """Return the command line of the process *folder* in /proc; empty if it has just ended."""
    with suppress(OSError):
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""
