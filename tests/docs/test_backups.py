"""The crontab line of the operations page makes a backup, as cron runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.service import StartService

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
LINE = re.compile(r"^\d+ \d+ \* \* \* (integrations backup .*)$", re.MULTILINE)


def test_the_line_for_each_night_backs_up_and_removes_what_is_old(
    data_dir: Path, start_service: StartService
) -> None:
    (line,) = LINE.findall(PAGE.read_text())
    backups = data_dir / "var/backups/integrations"
    (backups / "old").mkdir(parents=True)
    os.utime(backups / "old", (0, 0))
    home = data_dir / "home"
    home.mkdir(mode=0o711)
    command = line.replace(r"\%", "%").replace("/var/", f"{data_dir}/var/")
    with start_service(home) as service:
        path = f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin"
        subprocess.run(
            ["/bin/sh", "-c", command],
            env=service.environment | {"PATH": path}, check=True, timeout=60,
        )  # fmt: skip
    (made,) = backups.iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", made.name)
    assert (made / "manifest.json").exists()
