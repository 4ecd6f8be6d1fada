"""The leases that this process holds, in memory alone."""

from threading import Lock

from integrations_client.lease import Lease
from integrations_client.opening import Target


class HeldLeases:
    """Leases by what was asked for, for any thread; `get` waits for no other.

    A version that was seen, in a lease or on the change feed, is remembered: a lease of a lower one
    is not held, so that an answer that a change has overtaken is asked for again.
    """

    def __init__(self) -> None:
        self._leases: dict[Target, Lease] = {}
        self._versions: dict[str, int] = {}
        self._drops: dict[Target | None, int] = {}
        self._lock = Lock()

    def get(self, target: Target) -> Lease | None:
        """Return the lease of *target* unless it is due for renewal."""
        lease = self._leases.get(target)
        return lease if lease is not None and lease.term.is_fresh else None

    def get_current(self, target: Target) -> Lease | None:
        """Return the lease of *target* unless it is over."""
        lease = self._leases.get(target)
        return lease if lease is not None and lease.term.is_current else None

    def drops(self, target: Target) -> int:
        """Return how often leases of *target* were dropped: remember it before asking for one."""
        return self._drops.get(target, 0) + self._drops.get(None, 0)

    def put(self, target: Target, lease: Lease, drops: int) -> bool:
        """Hold *lease*, asked for at *drops*; return False if it is older than what was seen."""
        with self._lock:
            seen = self._versions.get(lease.integration_id, 0)
            if self.drops(target) != drops or lease.version < seen:
                return False
            self._versions[lease.integration_id] = lease.version
            for other in [key for key, held in self._leases.items() if not held.term.is_current]:
                del self._leases[other]
            self._leases[target] = lease
            return True

    def drop(self, target: Target, only: Lease | None = None) -> None:
        """Drop the lease of *target*, also one that is on its way.

        With *only*, nothing is dropped if another lease has taken its place.
        """
        with self._lock:
            if only is None or self._leases.get(target) is only:
                self._leases.pop(target, None)
                self._drops[target] = self._drops.get(target, 0) + 1

    def see(self, integration_id: str, version: int) -> None:
        """Drop all leases of *integration_id* that are older than *version*."""
        with self._lock:
            self._versions[integration_id] = max(version, self._versions.get(integration_id, 0))
            for target, lease in [*self._leases.items()]:
                if lease.integration_id == integration_id and lease.version < version:
                    del self._leases[target]

    def forget(self) -> None:
        """Drop everything, and the versions that were seen."""
        with self._lock:
            self._leases.clear()
            self._versions.clear()
            self._drops[None] = self._drops.get(None, 0) + 1

    def abandon(self) -> None:
        """Let go of all leases after a fork, when the lock may be held by a thread of before."""
        self._leases = {}
