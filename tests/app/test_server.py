import pytest

from app.server import open_listener
from app.settings import SettingsError


@pytest.mark.parametrize("host", ["ä" * 70, "no host at all", "192.0.2.1"])
def test_a_host_of_another_machine_is_reported_in_one_line(host: str) -> None:
    with pytest.raises(SettingsError, match=r"^Cannot listen on .*: set INTEGRATIONS_HOST") as told:
        open_listener(host, 0)
    assert "\n" not in str(told.value)
