"""Settings of an integration: rules and warnings, by the provider's file (docs/api.md#settings)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from msgspec import UNSET, Struct, UnsetType

from app.http.errors import FieldFinding, InvalidFieldsError, member_name
from app.http.field_rules import FieldError, FieldProblem, Rule, Schema, choice, nullable
from app.http.integrations.public_text import reject_named_secret
from app.http.request_bodies import unknown_field
from app.http.sender_name import ENVIRONMENT_NAME, strip_variable
from app.http.text_rules import text
from app.http.types import attributes_by_json_name
from app.pasted_text import trim
from app.providers.lookalikes import condition_holds, takes_words
from app.secrets.secret import Secret
from app.wrappings import strip_quotes, unwrap
from domain.integration import SecretField, Settings
from domain.provider import FieldCondition, Provider, Providers, ProviderSetting

MAX_SETTING_LENGTH = 512
SIGNS_BEHIND = ",;\u3001\uff0c\uff1b"
# Others may be a part of a value, and an id may need a word in front.
VARIABLE = re.compile(rf"(?:\w+\s+)?-*{ENVIRONMENT_NAME}(?<!_ID)\s*[:=]")
ENDS = ".\u3002"  # of a sentence
LINK_WITH_GAP = re.compile(r"^(mailto|https)[:\uff1a][\s/]*<?([^<>]*)>?$", re.IGNORECASE)
SLACK_LINK = re.compile(r"<((?:mailto|https):[^\s<>|]+)\|[^<>]*>", re.IGNORECASE)  # <link|text>
NOT_AN_OBJECT = FieldProblem("WRONG_TYPE", "This must be an object")
SETTING_MISSING = FieldProblem(
    "SETTING_MISSING", "The provider needs this setting with credentials of this kind"
)
setting_text = reject_named_secret(text(MAX_SETTING_LENGTH, trimmed=True))


def settings_rule(providers: Providers) -> Rule:
    """Return the rule for settings that one of *providers* knows; no settings are None.

    One of them that is null is the same as an absent one.

    The type of the integration decides more: `find_wrong_settings`.
    """
    known: dict[str, list[ProviderSetting]] = {}
    for provider in providers.values():
        for name, setting in provider.settings.items():
            known.setdefault(name, []).append(setting)

    def rule(value: object) -> Settings | None:
        if not isinstance(value, dict):
            raise FieldError(NOT_AN_OBJECT)
        sent = cast("Mapping[str, object]", value)
        given = {n: each for n, each in sent.items() if each is not None or n not in known}
        found = [*find_problems(given, dict.fromkeys(known, setting_text))]
        if found:
            raise InvalidFieldsError(found)
        texts = {name: cast("str", setting_text(each)) for name, each in given.items()}
        return {name: read_setting(text, known[name]) for name, text in texts.items()} or None

    properties = {name: nullable(setting_schema(name, providers)) for name in known}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return Rule(rule, schema)


def setting_schema(name: str, providers: Providers) -> Schema:
    """Return the JSON Schema of the setting *name*, which says what each of *providers* takes.

    Its own rule is wider: a choice in any letter case, a format with what it was pasted with.
    """
    known = {type_: provider.settings.get(name) for type_, provider in providers.items()}
    taken = [f"{type_}: {help_of(setting)}" for type_, setting in known.items() if setting]
    return {**setting_text.schema, "description": "; ".join(taken)}


def help_of(setting: ProviderSetting) -> str:
    """Return which values *setting* has: its choices, or examples."""
    return ", ".join(setting.choices or (f"{setting.help} ({setting.example})",))


def read_setting(text: str, known: Sequence[ProviderSetting]) -> str:
    """Return *text* as one of the settings *known* takes it, else as it is.

    Without what it was pasted with: quotes, the signs of a sentence or a list, or the name of a
    variable (ACCOUNT_SID=…) if the rest is certain by its form; a choice, in any letter case, as
    it is spelled.
    """
    text = strip_variable(SLACK_LINK.sub(r"\1", text), VARIABLE.match)
    read, bare, inner = strip_quotes(text), strip_signs(text), unwrap(text).text
    has_form = any(setting.choices or setting.format for setting in known)
    for reading in (bare, read) if has_form else (read,):
        if any(is_taken(reading, setting) for setting in known):
            return reading
    choices = {choice.upper(): choice for setting in known for choice in setting.choices}
    for reading in (bare, inner):
        if found := choices.get(reading.upper()):
            return found
    is_whole = any(is_taken(inner, each) for each in known if not takes_words(each.format or ""))
    return inner if is_whole else read


def strip_signs(text: str) -> str:
    """Return *text* without quotes and the signs behind it, and a link without a gap in it."""
    while (inner := strip_quotes(trim(text.rstrip(SIGNS_BEHIND)))) != text:
        text = inner
    return LINK_WITH_GAP.sub(without_gap, text)


def without_gap(found: re.Match[str]) -> str:
    """Return the link *found* with nothing behind its scheme but what belongs there."""
    scheme, rest = found.groups()
    return f"{scheme}://{rest}" if scheme.lower() == "https" else f"{scheme}:{rest.rstrip(ENDS)}"


def is_taken(text: str, setting: ProviderSetting) -> bool:
    """Return whether *text* is a value of *setting*."""
    try:
        return setting_rule(setting)(text) == text
    except FieldError:
        return False


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
        for lookalike in setting.lookalikes:
            if re.search(lookalike.pattern, string):
                raise FieldError(FieldProblem("INVALID_FORMAT", lookalike.message))
        if not re.fullmatch(format_, string):
            raise FieldError(invalid_format(setting))
        return string

    return Rule(rule, setting_text.schema)


def invalid_format(setting: ProviderSetting) -> FieldProblem:
    """Return that a value does not have the format of *setting*."""
    if not setting.other_examples:
        message, examples = "This must look like {example}", [setting.example]
    else:
        message = "This must look like one of these: {example}"
        examples = [setting.example, *setting.other_examples]
    return FieldProblem("INVALID_FORMAT", message, {"example": ", ".join(examples)})


def setting_conditions(
    body: Struct, settings: Settings | None, provider: Provider
) -> Mapping[str, FieldCondition]:
    """Return the conditions of credentials under which a setting is missing after *body*.

    *settings* are those before it. A body that changes neither settings nor secrets has no
    conditions.
    """
    given = getattr(body, "settings", settings)
    if given is UNSET:
        return {}
    return {
        name: each.required_when
        for name, each in provider.settings.items()
        if each.required_when and name not in (given or {})
    }


def find_missing_settings(
    body: Struct,
    settings: Settings | None,
    provider: Provider,
    stored: Mapping[SecretField, Secret],
) -> Iterator[FieldFinding]:
    """Find the settings that the credentials in *body* or *stored* need and lack."""
    for name, condition in setting_conditions(body, settings, provider).items():
        value = given_value(body, condition.field)
        if value is UNSET:
            value = stored.get(cast("SecretField", condition.field))
        text = value.reveal().decode() if isinstance(value, Secret) else value or ""
        if condition_holds(condition, text):
            yield member_name("settings", name), SETTING_MISSING


def given_value(body: Struct, field: str) -> Secret | str | UnsetType | None:
    """Return the value of *field* in *body*; UNSET if it keeps the one before."""
    attribute = attributes_by_json_name(type(body)).get(field)
    return UNSET if attribute is None else getattr(body, attribute)
