"""docs/operations.md: the alerts ask for metrics and labels that the service has."""

import re
from pathlib import Path

from tests.support.service import Service

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
[RULES] = re.findall(r"^```yaml\n(groups:.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_each_alert_asks_for_metrics_that_are_there(service: Service) -> None:
    with service.caller("alerts") as client:
        client.get("/en/api/integration")
        served = set(re.findall(r"^(\w+)", client.get("/metrics").text, re.MULTILINE))

    asked = set(re.findall(r"\bintegrations_\w+", RULES))

    assert asked
    assert asked <= served


def test_each_alert_says_what_to_do() -> None:
    rules = RULES.split("- alert: ")[1:]

    assert rules
    assert all(re.search(r"annotations: \{summary: \".+\"\}", rule) for rule in rules)
