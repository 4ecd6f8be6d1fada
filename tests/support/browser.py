"""Opens pages in a real browser, headless, that can reach no host but this machine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
QUIET = [
    *["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    *["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# CI must look: there, a test without a browser fails.
NO_BROWSER = "no chromium on PATH (apt-get install -y chromium): nothing is tried in a browser"
needs_browser = pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason=NO_BROWSER)


def open_page(address: str, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Open *address* in a new Chromium and wait until the page is at rest; its document is stdout.

    The profile is in *folder*; *options* are more command-line options of Chromium.
    """
    return subprocess.run(
        [
            *[CHROMIUM or "chromium", *QUIET, f"--user-data-dir={folder / 'profile'}", *options],
            *["--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom", address],
        ],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
