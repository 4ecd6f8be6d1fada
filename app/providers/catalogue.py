"""Reads the provider types from their files; a new provider is one file and no code."""

import re
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from domain.provider import Provider, Providers


class ProviderFileError(Exception):
    """A provider file cannot be used; the message names the file and says why."""


def load_providers(folders: Sequence[Traversable] = ()) -> Providers:
    """Return all provider types of our own files and of the *.toml in *folders*.

    Raises:
        ProviderFileError: a file is malformed, or two files tell of one type.
    """
    providers: dict[str, Provider] = {}
    for folder in (files("app.providers"), *folders):
        for file in sorted(folder.iterdir(), key=lambda found: found.name):
            if file.name.endswith(".toml"):
                add(providers, read_provider(file), file.name)
    return providers


def add(providers: dict[str, Provider], provider: Provider, name: str) -> None:
    """Put *provider* of the file *name* among the others; refuse a type that is there."""
    if provider.type in providers:
        message = f"{name}: the type {provider.type} is there already"
        raise ProviderFileError(message)
    providers[provider.type] = provider


def read_provider(file: Traversable) -> Provider:
    """Return the provider that *file* tells of.

    Raises:
        ProviderFileError: not TOML, not our shape, or a format is no regular expression.
    """
    try:
        provider = msgspec.toml.decode(file.read_bytes(), type=Provider)
        for field in provider.fields.values():
            re.compile(field.format or "")
    except (msgspec.DecodeError, re.error) as error:
        message = f"{file.name}: {error}"
        raise ProviderFileError(message) from None
    return provider
