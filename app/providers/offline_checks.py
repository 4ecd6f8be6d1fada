"""What is known of credentials without asking the provider: missing, retired, something else."""

import re
from collections.abc import Sequence

from app.pasted_text import trim
from app.providers.http_client import Values
from app.providers.lookalikes import (
    Given,
    PastedValue,
    find_lookalike,
    find_mixed_kinds,
    find_owner,
    is_needed,
)
from app.providers.provider_file import HttpCheck, OfflineRule, ProviderFile, VapidPairRule
from app.providers.verdict import Verdict
from app.wrappings import readings, unwrap
from domain.provider import ProviderField

MISPLACED = "This is missing: {fields}; the value that belongs there is in {other}"


def missing_verdict(values: Values, provider: ProviderFile) -> Verdict | None:
    """Return what *provider* needs and *values* lack; None if nothing is missing.

    It blames no credentials: the provider was not asked.
    """
    missing = [*missing_fields(values, provider), *missing_settings(values, provider)]
    if not missing:
        return None
    limits = {"fields": ", ".join(missing)}
    if other := misplaced_field(missing, values, provider):
        return Verdict("inconclusive", MISPLACED, limits | {"other": other})
    return Verdict("inconclusive", "This is missing: {fields}", limits)


def missing_fields(values: Values, provider: ProviderFile) -> list[str]:
    """Return the names of the fields that *provider* needs and *values* lack."""
    return [n for n, field in provider.fields.items() if field.required and n not in values]


def missing_settings(values: Values, provider: ProviderFile) -> list[str]:
    """Return the names of the settings that such credentials need and *values* lack."""
    given = {name: PastedValue(value.reveal_text()) for name, value in values.items()}
    needed = (name for name, setting in provider.settings.items() if is_needed(setting, given))
    return [f"settings.{name}" for name in needed if name not in values]


def misplaced_field(missing: list[str], values: Values, provider: ProviderFile) -> str | None:
    """Return the field that holds a value of a *missing* one; None if none does."""
    given = {name: PastedValue(trim(value.reveal_text())) for name, value in values.items()}
    keys = sorted(given.keys() - provider.settings.keys())
    owned = (name for name in keys if find_owner(name, given, provider) in missing)
    return next(owned, None) or account_setting(missing, given, provider)


def account_setting(missing: list[str], given: Given, provider: ProviderFile) -> str | None:
    """Return the setting with the account's id that a *missing* field takes; None if none has it.

    It fits the other credentials there: next to the secret of an API key an account's id does not.
    """
    fields = [(n, f.public_format) for n, f in provider.fields.items() if n in missing]
    for name in provider.settings.keys() & given.keys():
        for field, format_ in fields:
            filled = {**given, field: given[name]}
            is_id = format_ and re.fullmatch(format_, given[name].text)
            if is_id and not any(find_mixed_kinds(filled, provider)):
                return f"settings.{name}"
    return None


def offline_verdict(
    values: Values, provider: ProviderFile, check: HttpCheck | VapidPairRule
) -> Verdict | None:
    """Return what is known of *values* without asking *provider*; None if nothing is."""
    offline = check.offline if isinstance(check, HttpCheck) else ()
    return rule_verdict(offline, values, provider) or lookalike_verdict(values, provider)


def rule_verdict(
    rules: Sequence[OfflineRule], values: Values, provider: ProviderFile
) -> Verdict | None:
    """Return what *rules* of *provider* say of *values*; None if nothing."""
    for rule in rules:
        if rule_applies(rule, values[rule.field].reveal_text(), provider.fields[rule.field]):
            return Verdict(rule.outcome, rule.detail)
    return None


def rule_applies(rule: OfflineRule, text: str, field: ProviderField) -> bool:
    """Return whether *rule* speaks of *text*; `when` also of what is wrapped or encoded in it."""
    read = readings(text) if field.document else [unwrap(text).text]
    if rule.when and any(re.fullmatch(rule.when, reading) for reading in read):
        return True
    return rule.unless is not None and not re.fullmatch(rule.unless, text)


def lookalike_verdict(values: Values, provider: ProviderFile) -> Verdict | None:
    """Return what a value is instead of what *provider* takes; None if nothing is known of it."""
    for name, field in provider.fields.items():
        if name in values and (
            found := find_lookalike(PastedValue(values[name].reveal_text()), field)
        ):
            return Verdict("inconclusive", found.message)
    return None
