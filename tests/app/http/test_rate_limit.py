"""429 over HTTP if an operator has set a rate."""

from pathlib import Path

from tests.support.service import StartService

LIST = "/en/api/integration"


def test_a_workspace_over_its_rate_gets_retry_after_and_others_do_not(
    start_service: StartService, data_dir: Path, dsn: str
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
