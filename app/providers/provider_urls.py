"""Addresses that replace the providers' own in checks, for tests (INTEGRATIONS_PROVIDER_URLS)."""

import logging
from collections.abc import Container, Mapping

from app.loopback import is_safe_url
from app.settings import Settings, SettingsError

log = logging.getLogger("providers")


def parse_provider_urls(settings: Settings, providers: Container[str]) -> dict[str, str]:
    """Return the base URLs, by type, that replace those of the providers.

    Raises:
        SettingsError: one is of an unknown type, or neither https nor on this machine.
    """
    pairs = (pair.split("=", 1) for pair in settings.provider_urls.split(",") if pair)
    urls = {type_: url.rstrip("/") for type_, url in pairs}
    for type_, url in urls.items():
        if type_ not in providers:
            message = f"INTEGRATIONS_PROVIDER_URLS names {type_}, which is no provider type."
            raise SettingsError(message)
        if not is_safe_url(url):
            message = (
                f"INTEGRATIONS_PROVIDER_URLS: the address for {type_} must be https, or http on"
                " this machine (127.0.0.1, [::1] or localhost): checks send credentials there."
            )
            raise SettingsError(message)
    return urls


def warn_of_provider_urls(urls: Mapping[str, str]) -> None:
    """Log a warning that checks of some types go elsewhere."""
    for type_ in urls:
        log.warning(
            "Checks of %s go to the address in INTEGRATIONS_PROVIDER_URLS, not to the provider;"
            " it gets the credentials, and what it answers is believed.",
            type_,
        )
