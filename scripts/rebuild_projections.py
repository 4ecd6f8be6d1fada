#!/usr/bin/env python3
"""Rebuilds the views from the log: `integrations rebuild`, by path and by any Python."""

import os
import sys
from pathlib import Path

INTEGRATIONS = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "integrations"

if __name__ == "__main__":
    if not INTEGRATIONS.exists():
        sys.exit("Run scripts/run once: it sets up .venv.")
    os.execv(INTEGRATIONS, [INTEGRATIONS, "rebuild", *sys.argv[1:]])  # noqa: S606 — our own command, no shell
