"""Health and metrics on a port of their own, with one worker and with two."""

from pathlib import Path

import pytest

from tests.support.service import Service, StartService, free_port

OPERATORS = ("/health/live", "/health/ready", "/metrics")
SPELLED_DIFFERENTLY = ("/metrics/", "/%6detrics", "/health/live/")
OTHERS = ("/docs", "/docs/openapi.json", "/en/api/integration")
NOWHERE = (
    "/health",
    "/en/health/live",
    "/metrics/x",
    "//metrics",
    "/health//live",
    "/health%2Flive",
)
LIST = "/en/api/integration"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_health_and_metrics_have_their_port_and_all_else_has_the_other(
    start_service: StartService, data_dir: Path, dsn: str, workers: str
) -> None:
    port = free_port()
    settings = {"database_url": dsn, "workers": workers, "admin_port": str(port)}
    with start_service(data_dir, **settings) as service, service.caller() as client:
        ports = (service.address, f"http://127.0.0.1:{port}")
        found = {
            path: tuple(client.get(port + path).status_code for port in ports)
            for path in (*OPERATORS, *SPELLED_DIFFERENTLY, *OTHERS, *NOWHERE)
        }
        refused = [client.get(ports[0] + "/metrics"), client.get(ports[1] + LIST)]
        shown = client.get(ports[1] + "/metrics").text

    assert found == (
        dict.fromkeys((*OPERATORS, *SPELLED_DIFFERENTLY), (404, 200))
        | dict.fromkeys(OTHERS, (200, 404))
        | dict.fromkeys(NOWHERE, (404, 404))
    )
    for answer in refused:
        assert answer.json()["result"]["error"] == "NOT_FOUND"
        assert answer.json()["result"]["message"] == "There is nothing here"
    assert 'route="/{locale}/api/integration",status="200"' in shown


def test_an_admin_port_in_use_is_reported_in_one_line(
    service: Service, start_service: StartService, data_dir: Path, dsn: str
) -> None:
    taken = service.address.rpartition(":")[2]
    with (
        pytest.raises(
            AssertionError, match=rf"port {taken} .*: set .* and INTEGRATIONS_ADMIN_PORT"
        ),
        start_service(data_dir, database_url=dsn, admin_port=taken),
    ):
        pass
