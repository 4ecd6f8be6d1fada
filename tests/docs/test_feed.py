"""docs/feed.md: the stream that the page shows brings changes."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.service import Service

PAGE = (Path(__file__).parents[2] / "docs/feed.md").read_text()
[COMMANDS] = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "-sN" in block]


def test_curl_shows_a_change(service: Service) -> None:
    commands = COMMANDS.replace("127.0.0.1:8000", service.address.removeprefix("http://"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{service.environment['PATH']}"
    with service.caller() as client:
        body = {"name": "Mail", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.example"}
        created = client.post("/en/api/integration", json=body).json()["result"]["data"]["id"]

    ended = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", commands],
        env={**service.environment, "PATH": path},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("retry: 1000\n\n: 0\n\nid: ")
    assert f'"subject":"{created}"' in ended.stdout
