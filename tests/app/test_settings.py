import os
from pathlib import Path

import pytest

from app.service_variables import log_service_variables
from app.settings import Settings, SettingsError, read_settings

ONE_ORIGIN = (
    "one origin as a browser sends it (https://integrations.example.com): https or http, no path,"
    " no default port, lower case"
)
ONE_HOST = "an address or a name, without a scheme, brackets or a port: 0.0.0.0, ::1"
WRONG_HOSTS = ("[::1]", "http://localhost", "localhost:8000", "10.0.0.1:80", "a host", "a,b", "a/b")
WRONG_ORIGINS = (
    "integrations.example.com", "https://a.example/", "https://a.example/console",
    "https://A.example", "https://a.example:443", "http://a.example:80", "ftp://a.example",
    "https://a.example,https://b.example", "https://user@a.example", "https://*.a.example",
    "https://a.example\n", "*",
)  # fmt: skip


def test_nothing_set_gives_the_defaults_of_the_contract() -> None:
    settings = read_settings({})
    data_dir = Path("/var/lib/integrations" if os.geteuid() == 0 else "data").absolute()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.database_url, settings.jwks) == (None, None)
    assert (settings.jwt_issuer, settings.jwt_audience) == ("integrations", "integrations")
    assert (settings.data_dir, settings.log_level) == (data_dir, "INFO")
    assert str(settings.keyring) == str(data_dir / "keyring.json")


def test_settings_are_read_and_other_variables_are_ignored() -> None:
    environment = {
        "INTEGRATIONS_PORT": "0",
        "INTEGRATIONS_WORKERS": "3",
        "INTEGRATIONS_DATA_DIR": "/srv/data",
        "PORT": "no number",
    }
    settings = read_settings(environment)
    assert (settings.port, settings.workers) == (0, 3)
    assert str(settings.keyring) == "/srv/data/keyring.json"


def test_an_empty_value_is_the_same_as_none() -> None:
    assert read_settings({"INTEGRATIONS_PORT": "", "INTEGRATIONS_JWKS": ""}) == read_settings({})


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("PORT", "65536", "a number from 0 to 65535"),
        ("PORT", "8000.5", "a number from 0 to 65535"),
        ("WORKERS", "0", "a number from 1 to 64"),
        ("LOG_LEVEL", "chatty", "DEBUG, INFO, WARNING or ERROR"),
        ("RATE_LIMIT", "-1", "a number above 0"),
        ("PROVIDER_URLS", "TWILIO=http://a\n", "TYPE=URL, several separated by commas"),
        ("CONSOLE", "yes", "on or off"),
        *[("HOST", value, ONE_HOST) for value in WRONG_HOSTS],
        *[("CONSOLE_ORIGIN", value, ONE_ORIGIN) for value in WRONG_ORIGINS],
    ],
)
def test_a_wrong_value_is_reported_without_repeating_it(name: str, value: str, takes: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({f"INTEGRATIONS_{name}": value})
    assert str(refused.value) == f"INTEGRATIONS_{name} has a wrong value; it takes {takes}."


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "::", "::1", "::ffff:10.0.0.1", "fe80::1%eth0", "localhost", "app-1.example.com"],
)
def test_a_host_is_an_address_or_a_name(host: str) -> None:
    assert read_settings({"INTEGRATIONS_HOST": host}).host == host


@pytest.mark.parametrize("name", ["PORT", "HOST", "DATA_DIR", "PROVIDER_URLS"])
def test_a_value_that_is_not_utf_8_is_reported_without_repeating_it(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({f"INTEGRATIONS_{name}": "8\udcff"})
    assert str(refused.value) == f"INTEGRATIONS_{name} is not UTF-8."


def test_an_unknown_name_is_reported_with_all_known_names() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"INTEGRATIONS_PROT": "8000"})
    assert "INTEGRATIONS_PROT is not a setting" in str(refused.value)
    for name in Settings.__struct_fields__:
        assert f"INTEGRATIONS_{name.upper()}" in str(refused.value)


# What Kubernetes 1.33 gives to a container next to a Service of the name `integrations` (kubernetes
# documentation, "Discovering services": envvars; "accessing the service"), and next to one of a
# name that begins so.
SERVICE_VARIABLES = {
    "host": ("INTEGRATIONS_SERVICE_HOST", "10.96.0.11"),
    "port": ("INTEGRATIONS_SERVICE_PORT", "8000"),
    "named port": ("INTEGRATIONS_SERVICE_PORT_HTTP_API", "8000"),
    "address": ("INTEGRATIONS_PORT", "tcp://10.96.0.11:8000"),
    "address, IPv6": ("INTEGRATIONS_PORT", "tcp://[fd00::11]:8000"),
    "address, UDP": ("INTEGRATIONS_PORT", "udp://10.96.0.11:53"),
    "address, SCTP": ("INTEGRATIONS_PORT", "sctp://10.96.0.11:7777"),
    "TCP": ("INTEGRATIONS_PORT_8000_TCP", "tcp://10.96.0.11:8000"),
    "TCP, protocol": ("INTEGRATIONS_PORT_8000_TCP_PROTO", "tcp"),
    "TCP, port": ("INTEGRATIONS_PORT_8000_TCP_PORT", "8000"),
    "TCP, host": ("INTEGRATIONS_PORT_8000_TCP_ADDR", "10.96.0.11"),
    "UDP": ("INTEGRATIONS_PORT_53_UDP", "udp://10.96.0.11:53"),
    "UDP, host": ("INTEGRATIONS_PORT_53_UDP_ADDR", "10.96.0.11"),
    "SCTP, port": ("INTEGRATIONS_PORT_7777_SCTP_PORT", "7777"),
    "another service, host": ("INTEGRATIONS_POSTGRESQL_SERVICE_HOST", "10.96.0.12"),
    "another service, address": ("INTEGRATIONS_POSTGRESQL_PORT", "tcp://10.96.0.12:5432"),
    "another service, TCP": ("INTEGRATIONS_POSTGRESQL_PORT_5432_TCP", "tcp://10.96.0.12:5432"),
}


@pytest.mark.parametrize(("name", "value"), SERVICE_VARIABLES.values(), ids=SERVICE_VARIABLES)
def test_variables_that_kubernetes_makes_for_a_service_are_no_settings(
    name: str, value: str
) -> None:
    assert read_settings({name: value}) == read_settings({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INTEGRATIONS_PORT", "http://10.96.0.11:8000"),
        ("INTEGRATIONS_PORT", "tcp:8000"),
        ("INTEGRATIONS_SERVICE", "10.96.0.11"),
        ("INTEGRATIONS_SERVICE_HOSTS", "10.96.0.11"),
        ("INTEGRATIONS_SERVICEHOST", "10.96.0.11"),
        ("INTEGRATIONS_PORT_HTTP_TCP", "tcp://10.96.0.11:8000"),
        ("INTEGRATIONS_PORT_8000", "8000"),
        ("INTEGRATIONS_PORT_8000_TCP_HOST", "10.96.0.11"),
        ("INTEGRATIONS_POSTGRESQL_PORT", "5432"),
        ("INTEGRATIONS_NAME", "production"),
        ("INTEGRATIONS_NAME", "/web"),
        ("INTEGRATIONS_ENV_PATH", "/usr/bin"),
        ("INTEGRATIONS_DATABASE_NAME", "integrations"),
        ("INTEGRATIONS_PORT_8000_TCP_STARTS", "8000"),
    ],
)
def test_what_only_looks_like_such_a_variable_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError):
        read_settings({name: value})


def test_what_was_passed_over_is_logged_in_one_line_without_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("INFO"):
        log_service_variables(dict(SERVICE_VARIABLES.values()) | {"PORT": "1"})
        log_service_variables({"INTEGRATIONS_PORT": "8000", "REDIS_PORT": "tcp://10.0.0.2:6379"})

    names = ", ".join(sorted({name for name, _ in SERVICE_VARIABLES.values()}))
    assert caplog.messages == [f"Passed over, as Kubernetes made them for a Service: {names}."]


def test_a_port_of_ours_next_to_variables_of_kubernetes_is_taken() -> None:
    environment = dict(SERVICE_VARIABLES.values())
    assert read_settings(environment).port == 8000
    assert read_settings(environment | {"INTEGRATIONS_PORT": "8080"}).port == 8080


def test_settings_do_not_show_what_they_hold() -> None:
    settings = read_settings({"INTEGRATIONS_DATABASE_URL": "postgresql://me:hunter2@db/x"})
    assert "hunter2" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    "origin",
    ["https://a.example", "https://a.example:8443", "http://127.0.0.1:8000", "http://[::1]:8000"],
)
def test_the_origin_of_the_console_is_taken_as_browsers_write_it(origin: str) -> None:
    settings = read_settings({"INTEGRATIONS_CONSOLE_ORIGIN": origin})
    assert (settings.console, settings.console_origin) == ("on", origin)
