"""Readiness knows whether the log is being signed."""

import asyncio
import time
from pathlib import Path
from typing import Any

import psycopg

from app.audit.lag import AuditLag, SigningWatch
from tests.support.service import StartService

APPEND = """
SELECT integrations.append('[{"workspace": "demo", "stream": "int_1", "version": 1, "type": "x",
    "action": "x", "actor_id": "x", "at": "2026-11-29T10:00:00Z", "envelope": "{}"}]')
"""
BODY = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.sealed"}


def test_a_service_whose_follower_has_stopped_is_not_ready(
    start_service: StartService, data_dir: Path, dsn: str
) -> None:
    with start_service(data_dir, database_url=dsn) as service, service.caller() as client:
        assert client.post("/en/api/integration", json=BODY).status_code == 201
        ready = client.get("/health/ready")
        assert (ready.status_code, "signing" in ready.json()["checks"]) == (200, True)
        with psycopg.connect(dsn) as connection:
            connection.execute("UPDATE integrations.audit_follower SET position = 99")
        deadline = time.monotonic() + 60
        while client.get("/health/ready").status_code != 503 and time.monotonic() < deadline:
            time.sleep(0.5)
        result = client.get("/health/ready").json()["result"]
        assert (result["status"], result["error"]) == (503, "UNAVAILABLE")
        assert [detail["code"] for detail in result["details"]] == ["LOG_NOT_SIGNED"]
        assert client.get("/en/api/integration").status_code == 200
        assert "AUDIT STOPPED" in service.log_file.read_text()


async def test_a_log_that_nobody_signs_is_noticed_by_the_database_alone(
    audits: Any, admin: Any
) -> None:
    watch = SigningWatch(AuditLag(audits), max_stall=0.05)
    assert await watch.is_signing()
    admin.execute(APPEND)
    assert await watch.is_signing()
    await asyncio.sleep(0.1)
    assert not await watch.is_signing()


async def test_an_event_after_a_long_time_without_a_look_is_no_stall(
    audits: Any, admin: Any
) -> None:
    watch = SigningWatch(AuditLag(audits), max_stall=1.0)
    assert await watch.is_signing()
    await asyncio.sleep(1.1)
    admin.execute(APPEND)
    assert await watch.is_signing()
