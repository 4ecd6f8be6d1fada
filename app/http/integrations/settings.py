"""Settings of an integration: rules and warnings, by the provider's file (contract, 4)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from msgspec import UNSET, Struct, UnsetType

from app.http.errors import FieldFinding, InvalidFieldsError, member_name
from app.http.field_rules import FieldError, FieldProblem, Rule, Schema, choice
from app.http.request_bodies import unknown_field
from app.http.text_rules import text
from app.http.types import attributes_by_json_name
from app.secrets.secret import Secret
from app.wrappings import unwrap
from domain.integration import SecretField, Settings
from domain.provider import FieldCondition, Provider, Providers, ProviderSetting

MAX_SETTING_LENGTH = 512
NOT_AN_OBJECT = FieldProblem("WRONG_TYPE", "This must be an object")
SETTING_MISSING = FieldProblem(
    "SETTING_MISSING", "The provider needs this setting with credentials of this kind"
)
setting_text = text(MAX_SETTING_LENGTH, trimmed=True)


def settings_rule(providers: Providers) -> Rule:
    """Return the rule for settings that one of *providers* knows; no settings are None.

    The type of the integration decides more: `find_wrong_settings`.
    """
    known = {name: setting_text.schema for each in providers.values() for name in each.settings}

    def rule(value: object) -> Settings | None:
        if not isinstance(value, dict):
            raise FieldError(NOT_AN_OBJECT)
        given = cast("Mapping[str, object]", value)
        found = [*find_problems(given, dict.fromkeys(known, setting_text))]
        if found:
            raise InvalidFieldsError(found)
        return {name: cast("str", setting_text(each)) for name, each in given.items()} or None

    schema = {"type": "object", "properties": known, "additionalProperties": False}
    return Rule(rule, schema)


def find_wrong_settings(
    settings: Settings | None, provider: Provider | None
) -> Iterable[FieldFinding]:
    """Find what *provider* does not know or take; one that is not there any more knows nothing."""
    if not settings:
        return ()
    rules = (
        {name: setting_rule(each) for name, each in provider.settings.items()} if provider else {}
    )
    return find_problems(settings, rules)


def find_problems(given: Mapping[str, object], rules: Mapping[str, Rule]) -> Iterator[FieldFinding]:
    """Find the settings of *given* that have no rule, or break theirs."""
    for name, value in given.items():
        if name not in rules:
            yield member_name("settings", name), unknown_field(name, (*rules,))
            continue
        try:
            rules[name](value)
        except FieldError as error:
            yield member_name("settings", name), error.problem


def setting_rule(setting: ProviderSetting) -> Rule:
    """Return the rule for the value of *setting*."""
    if setting.choices:
        return choice(setting.choices)
    if setting.format is None:
        return setting_text
    format_ = setting.format

    def rule(value: object) -> object:
        string = cast("str", value)
        if not re.fullmatch(format_, string):
            raise FieldError(invalid_format(string, setting))
        return string

    return Rule(rule, {"type": "string", "pattern": rf"^\s*({format_})\s*$"})


def invalid_format(text: str, setting: ProviderSetting) -> FieldProblem:
    """Return what is wrong with *text*, which does not have the format of *setting*."""
    for lookalike in setting.lookalikes:
        if re.search(lookalike.pattern, text):
            return FieldProblem("INVALID_FORMAT", lookalike.message)
    if not setting.other_examples:
        message, examples = "This must look like {example}", [setting.example]
    else:
        message = "This must look like one of these: {example}"
        examples = [setting.example, *setting.other_examples]
    return FieldProblem("INVALID_FORMAT", message, {"example": ", ".join(examples)})


def settings_schema(provider: Provider) -> Schema:
    """Return the JSON Schema of the settings of *provider*, as far as its type decides it."""
    schemas = {name: setting_rule(each).schema for name, each in provider.settings.items()}
    return {"properties": schemas, "additionalProperties": False}


def conditional_settings(
    body: Struct, settings: Settings | None, provider: Provider
) -> Mapping[str, FieldCondition]:
    """Return the settings that are not there after *body*, and when *provider* needs them.

    *settings* are those before it. A body that changes neither settings nor secrets has none.
    """
    given = getattr(body, "settings", settings)
    if given is UNSET:
        return {}
    return {
        name: setting.required_when
        for name, setting in provider.settings.items()
        if setting.required_when and name not in (given or {})
    }


def find_missing_settings(
    body: Struct,
    settings: Settings | None,
    provider: Provider,
    stored: Mapping[SecretField, Secret],
) -> Iterator[FieldFinding]:
    """Find the settings that *provider* needs with the credentials in *body* or *stored*."""
    for name, condition in conditional_settings(body, settings, provider).items():
        value = given_value(body, condition.field)
        if value is UNSET:
            value = stored.get(cast("SecretField", condition.field))
        text = value.reveal().decode() if isinstance(value, Secret) else value or ""
        if re.fullmatch(condition.format, unwrap(text).text):
            yield member_name("settings", name), SETTING_MISSING


def given_value(body: Struct, field: str) -> Secret | str | UnsetType | None:
    """Return the value of *field* in *body*; UNSET if it keeps the one before."""
    attribute = attributes_by_json_name(type(body)).get(field)
    return UNSET if attribute is None else getattr(body, attribute)
