"""A service without the console: nothing is at its address, and none of its code is loaded."""

from pathlib import Path

import httpx2
import pytest

from tests.support.service import StartService

PATHS = ("/console", "/console/en/integrations", "/console/enter", "/console/assets/0/console.js")


def test_a_console_that_is_off_is_not_even_loaded(
    dsn: str, data_dir: Path, start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python then writes each module that it loads to stderr, as a line that ends with its name.
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")

    with start_service(data_dir, database_url=dsn, console="off") as service:
        found = {httpx2.get(service.address + path).status_code for path in PATHS}
        loaded = {line.split()[-1] for line in service.log_file.read_text().splitlines() if line}

    assert found == {404}
    assert "app.http.application" in loaded
    assert not {"app.console", "minijinja"} & loaded
