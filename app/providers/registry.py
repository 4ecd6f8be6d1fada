"""Reads the provider types from their files; a new provider is one file and no code."""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import get_args

import msgspec

from app.providers.errors import ProviderFileError
from app.providers.provider_file import PLACEHOLDER, Basic, Condition, HttpCheck, ProviderFile
from domain.provider import ProviderFieldName

MAX_FILE_SIZE = 16 * 1024  # bytes of a file; the parser takes the square of a long key's time
RESERVED_NAMES = frozenset({*get_args(ProviderFieldName), "accessToken", "projectId", "regions"})
OFFLINE_OUTCOMES = ("retired", "inconclusive")


def load_providers(folders: Sequence[Traversable] = ()) -> Mapping[str, ProviderFile]:
    """Return all provider types of our own files and of the *.toml in *folders*.

    Raises:
        ProviderFileError: a folder cannot be read, a file is malformed, or two files describe
            one type.
    """
    providers: dict[str, ProviderFile] = {}
    for folder in (files("app.providers"), *folders):
        for file in list_folder(folder):
            if file.name.endswith(".toml"):
                register(providers, read_provider(file), file.name)
    return providers


def list_folder(folder: Traversable) -> list[Traversable]:
    """Return what is in *folder*, in the order of names."""
    try:
        return sorted(folder.iterdir(), key=lambda found: found.name)
    except OSError as error:
        message = f"The folder of provider files {folder} cannot be read ({error.strerror})."
        raise ProviderFileError(message) from None


def register(providers: dict[str, ProviderFile], provider: ProviderFile, name: str) -> None:
    """Put *provider* of the file *name* among the others; refuse a type that is there."""
    if provider.type in providers:
        message = f"Provider file {name}: the type {provider.type} is there already."
        raise ProviderFileError(message)
    providers[provider.type] = provider


def read_provider(file: Traversable) -> ProviderFile:
    """Return the provider that *file* describes.

    Raises:
        ProviderFileError: not readable, or not in the format of docs/providers.md.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        message = f"Provider file {file.name}: {error}."
        raise ProviderFileError(message) from None
    return parse_provider(content, file.name)


def parse_provider(content: bytes, name: str) -> ProviderFile:
    """Return the provider that the *content* of the file *name* describes.

    Raises:
        ProviderFileError: larger than 16 KiB, not TOML, not our shape, not consistent, or a
            format is no regular expression.
    """
    try:
        provider = decode_file(content)
    except (msgspec.MsgspecError, re.error, ValueError, OverflowError, RecursionError) as error:
        message = f"Provider file {name}: {error}."
        raise ProviderFileError(message) from None
    if ambiguous := sorted({*provider.settings} & RESERVED_NAMES):
        message = f"Provider file {name}: a setting needs another name: {ambiguous[0]}."
        raise ProviderFileError(message)
    unknown = sorted(referenced_names(provider) - available_names(provider))
    if unknown:
        message = f"Provider file {name}: the check uses what is not there: {unknown[0]}."
        raise ProviderFileError(message)
    if mistake := wrong_regions(provider) or undocumented_blame(provider):
        message = f"Provider file {name}: {mistake}."
        raise ProviderFileError(message)
    return provider


def decode_file(content: bytes) -> ProviderFile:
    """Return *content* as its Struct, after a look at its size and its regular expressions."""
    if len(content) > MAX_FILE_SIZE:
        message = f"it is larger than {MAX_FILE_SIZE} bytes"
        raise ValueError(message)
    provider = msgspec.toml.decode(content, type=ProviderFile)
    for format_ in regular_expressions(provider):
        re.compile(format_)
    return provider


def regular_expressions(provider: ProviderFile) -> Iterator[str]:
    """Yield all regular expressions of *provider*."""
    for field in provider.fields.values():
        yield from (field.format or "", field.public_format or "")
        yield from (lookalike.pattern for lookalike in field.lookalikes)
        yield from (each.when.format for each in field.lookalikes if each.when)
    yield from provider.sender_ids.values()
    for setting in provider.settings.values():
        yield setting.format or ""
        yield from (lookalike.pattern for lookalike in setting.lookalikes)
        yield setting.required_when.format if setting.required_when else ""
    if isinstance(provider.check, HttpCheck):
        for rule in provider.check.offline:
            yield from (rule.when or "", rule.unless or "")
        yield from (variant.when.format for variant in provider.check.variants)


def wrong_regions(provider: ProviderFile) -> str | None:
    """Return what is wrong with the names of regions of *provider*, or its setting; None: nothing.

    A verdict and the setting name a region, so no two have one name.
    """
    setting = provider.settings.get("region")
    regions = {region.name.upper() for region in provider.regions}
    if len(regions) < len(provider.regions):
        return "two regions have the same name"
    if setting is None or (setting.choices and regions.issuperset(setting.choices)):
        return None
    return f"settings.region needs choices, out of: {', '.join(sorted(regions))}"


def undocumented_blame(provider: ProviderFile) -> str | None:
    """Return how *provider* would blame credentials without an answer that says so; None: not."""
    check = provider.check
    if not isinstance(check, HttpCheck):
        return None
    if any(rule.outcome not in OFFLINE_OUTCOMES for rule in check.offline):
        return "an offline rule, which asks nobody, is retired or inconclusive"
    account = check.service_account.rules if check.service_account else ()
    variants = [rule for variant in check.variants for rule in variant.rules]
    for rule in (*check.rules, *variants, *account):
        if rule.outcome == "invalid" and not any(names_value(each) for each in rule.where):
            return "a rule for invalid needs the value that says so: equals, contains or one_of"
    return None


def names_value(condition: Condition) -> bool:
    """Return whether *condition* holds for certain values only."""
    return bool(condition.equals is not None or condition.contains or condition.one_of)


def referenced_names(provider: ProviderFile) -> set[str]:
    """Return the names of all that the check of *provider* works with."""
    check = provider.check
    if check is None:
        return set()
    if not isinstance(check, HttpCheck):
        return {"vapidPublicKey", "vapidPrivateKey"}
    auth = (
        {check.auth.user, check.auth.password}
        if isinstance(check.auth, Basic)
        else {check.auth.field}
    )
    account = {check.service_account.field} if check.service_account else set[str]()
    offline = {rule.field for rule in check.offline}
    conditions = [variant.when for variant in check.variants]
    paths = [check.path, *(variant.path for variant in check.variants)]
    return {
        "regions",
        *(name for path in paths for name in PLACEHOLDER.findall(path)),
        *(condition.field for condition in conditions),
        *check.headers.values(),
        *auth,
        *account,
        *offline,
    }


def available_names(provider: ProviderFile) -> set[str]:
    """Return the names that the check of *provider* may use."""
    known = {*provider.fields, *provider.settings, *(["regions"] if provider.regions else [])}
    made = isinstance(provider.check, HttpCheck) and provider.check.service_account
    return known | {"accessToken", "projectId"} if made else known
