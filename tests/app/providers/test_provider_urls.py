"""Addresses that replace those of providers: what the setting takes."""

import pytest

from app.providers.provider_urls import parse_provider_urls, warn_of_provider_urls
from app.settings import SettingsError, read_settings

TYPES = ("SENDGRID", "TWILIO")


def urls_from(value: str) -> dict[str, str]:
    return parse_provider_urls(read_settings({"INTEGRATIONS_PROVIDER_URLS": value}), TYPES)


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        ("", {}),
        ("SENDGRID=http://127.0.0.1:1/", {"SENDGRID": "http://127.0.0.1:1"}),
        (
            "SENDGRID=https://a/b?c=d,TWILIO=http://[::1]:2",
            {"SENDGRID": "https://a/b?c=d", "TWILIO": "http://[::1]:2"},
        ),
    ],
)
def test_addresses_are_by_type(value: str, urls: dict[str, str]) -> None:
    assert urls_from(value) == urls


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "http://10.0.0.1:8000",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://0.0.0.0:1",
        "http://127.0.0.1@example.com",
        "https://me:pw@example.com",
        "http://127.0.0.1:port",
        "http://[::1",
    ],
)
def test_credentials_go_by_https_or_stay_on_this_machine(url: str) -> None:
    with pytest.raises(SettingsError, match="the address for SENDGRID must be https, or http on"):
        urls_from(f"SENDGRID={url}")


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.9.0.1", "https://a.example"])
def test_an_address_that_is_taken_is_warned_of(url: str, caplog: pytest.LogCaptureFixture) -> None:
    warn_of_provider_urls(urls_from(f"SENDGRID={url}"))

    [record] = caplog.records
    assert (record.levelname, url in record.getMessage()) == ("WARNING", False)
    assert "Checks of SENDGRID go to the address in" in record.getMessage()


def test_a_type_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match="PROVIDER_URLS names SENDGIRD"):
        urls_from("SENDGIRD=http://a")


@pytest.mark.parametrize("value", ["SENDGRID", "SENDGRID=ftp://a", "=http://a", "a b", ","])
def test_what_is_no_list_of_addresses_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="it takes TYPE=URL"):
        urls_from(value)
