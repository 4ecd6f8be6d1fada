"""429 over HTTP, where an operator has set a rate."""

from pathlib import Path
from typing import Any

LIST = "/en/api/integration"


def test_a_workspace_that_asks_too_fast_is_told_when_to_come_again_and_others_are_not(
    start_service: Any, data_dir: Path, dsn: str
) -> None:
    settings = {"database_url": dsn, "rate_limit": "0.1", "rate_burst": "3"}
    with start_service(data_dir, **settings) as service:
        with service.caller("hasty") as client:
            answers = [client.get(LIST) for _ in range(5)]
        with service.caller("calm") as client:
            assert client.get(LIST).status_code == 200
            assert client.get("/health/live").status_code == 200
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json()["result"]["error"] == "TOO_MANY_REQUESTS"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 10
