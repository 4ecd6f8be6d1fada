"""What settings make of the providers."""

from pathlib import Path

import pytest

from app.bootstrap import load_provider_types, parse_provider_urls
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
            "SENDGRID=https://a/b?c=d,TWILIO=http://e",
            {"SENDGRID": "https://a/b?c=d", "TWILIO": "http://e"},
        ),
    ],
)
def test_addresses_are_by_type(value: str, urls: dict[str, str]) -> None:
    assert urls_from(value) == urls


def test_a_type_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match="PROVIDER_URLS names SENDGIRD"):
        urls_from("SENDGIRD=http://a")


@pytest.mark.parametrize("value", ["SENDGRID", "SENDGRID=ftp://a", "=http://a", "a b", ","])
def test_what_is_no_list_of_addresses_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="it takes TYPE=URL"):
        urls_from(value)


def test_the_operators_folder_adds_types() -> None:
    folder = Path(__file__).parents[1] / "providers"
    settings = read_settings({"INTEGRATIONS_PROVIDERS": str(folder)})

    assert "POSTMARK" in load_provider_types(settings)
    assert "POSTMARK" not in load_provider_types(read_settings({}))
