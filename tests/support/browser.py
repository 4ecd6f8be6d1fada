"""A real browser, headless: Debian's Chromium, driven by Playwright, kept to this machine.

Playwright runs an event loop in the thread of the tests: while a browser is open, no test of that
module may be a coroutine.
"""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium")
WAITING = 30_000  # milliseconds: other tests keep the machine busy
# CI must look: there, a test without a browser fails.
NO_BROWSER = "no chromium on PATH (apt-get install -y chromium): nothing is tried in a browser"
needs_browser = pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason=NO_BROWSER)


@contextmanager
def open_browser(*options: str) -> Generator[Browser]:
    """Open a new Chromium until the block ends; *options* are more of its command line."""
    arguments = [
        "--no-sandbox",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        *options,
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()
