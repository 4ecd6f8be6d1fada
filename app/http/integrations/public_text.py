"""Secrets in public texts are errors, keys of providers warnings.

See docs/api.md#secrets-in-public-fields.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast, get_args

from msgspec import Struct
from msgspec.structs import replace

from app.http.errors import FieldFinding
from app.http.field_rules import FieldError, FieldProblem, Rule
from app.http.request_bodies import Values
from app.http.types import attributes_by_json_name
from app.pasted_text import trim
from app.providers.key_finder import KeyFinder, marked_keys
from app.providers.lookalikes import takes_words
from app.providers.vapid import pasted_points
from app.secrets.disclosure import MIN_SECRET_LENGTH, find_disclosures, letters_of
from app.secrets.private_key_text import NOTHING, contains_private_key
from app.secrets.secret import Secret
from app.secrets.secret_names import names_secret
from app.wrappings import unwrap
from domain.integration import Integration, SecretField
from domain.provider import Provider, Providers

LOOKS_LIKE_SECRET = FieldProblem(
    "LOOKS_LIKE_SECRET", "This looks like a private key; it would be visible to everybody"
)
NO_PUBLIC_KEY = FieldProblem(  # one without its first characters looks like a private one, too
    "LOOKS_LIKE_SECRET",
    "This is not one whole public key; it may contain a private key, which would be visible to"
    " everybody",
)
REPEATS_SECRET = FieldProblem(
    "LOOKS_LIKE_SECRET",
    "This contains a secret of this integration; it would be visible to everybody",
)
ALREADY_PUBLIC = FieldProblem(
    "LOOKS_LIKE_SECRET",
    "A field that is visible to everybody contains this value already; use another secret",
)
LOOKS_LIKE_PROVIDER_KEY = FieldProblem(
    "LOOKS_LIKE_PROVIDER_KEY",
    "This contains what looks like a key of a provider; it is visible to everybody",
)
IS_PROVIDER_KEY = FieldProblem(
    "LOOKS_LIKE_SECRET",
    "This contains what looks like a key of a provider; it would be visible to everybody",
)
NAMED_SECRET = FieldProblem(
    "LOOKS_LIKE_SECRET",
    "The name in front says that this is a secret; it would be visible to everybody",
)
MAX_NAMED_TEXT = 1_200  # characters; no public text may be as long
SECRET_FIELDS: tuple[SecretField, ...] = get_args(SecretField)
OUR_WORDS = ("type", "channel")  # one of a list


def reject_named_secret(
    rule: Rule, *, is_free: bool = False, allowed: re.Pattern[str] = NOTHING
) -> Rule:
    """Return *rule* for a public text that has no name of a secret in front of a value.

    A public key has such a name, too, as has what is *allowed*. A text *is_free* that may be any
    words.
    """

    def read(value: object) -> object:
        text = value[:MAX_NAMED_TEXT] if isinstance(value, str) else ""
        is_named = names_secret(text, is_free=is_free) and not allowed.fullmatch(trim(text))
        if is_named and not any(pasted_points(text)):
            raise FieldError(NAMED_SECRET)
        return rule(value)

    return replace(rule, read=read)


def public_texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield path and text of each free text in *values*: no Secret, and none of our own words."""
    for name, value in values.items():
        if isinstance(value, str):
            if name not in OUR_WORDS:
                yield name, value
        elif isinstance(value, Mapping):
            inner = cast("Mapping[str, Any]", value)
            yield from ((f"{name}.{path}", text) for path, text in public_texts(inner))


def texts_in(body: Struct) -> Mapping[str, str]:
    """Return the public texts in *body*, by their paths."""
    names = attributes_by_json_name(type(body))
    return dict(public_texts({name: getattr(body, names[name]) for name in names}))


def stored_texts(state: Integration) -> Mapping[str, str]:
    """Return the public texts of an integration, by their paths."""
    values: Mapping[str, object] = {
        "name": state.name,
        "senderEmail": state.sender.email,
        "senderName": state.sender.name,
        "senderPhone": state.sender.phone,
        "vapidPublicKey": state.vapid_public_key,
        "settings": state.settings,
    }
    return dict(public_texts(values))


def hidden_secrets(
    secrets: Mapping[SecretField, Secret], provider: Provider | None
) -> Mapping[SecretField, Secret]:
    """Return *secrets* without ids of accounts at *provider*, which everybody may see."""
    return {
        field: secret
        for field, secret in secrets.items()
        if not is_account_id(field, secret, provider)
    }


def is_account_id(field: SecretField, secret: Secret, provider: Provider | None) -> bool:
    """Return whether the value of *field* is the public id of an account at *provider*.

    It may have some more signs, which are too few for a secret.
    """
    known = provider.fields.get(field) if provider else None
    if known is None or known.public_format is None:
        return False
    text = unwrap(secret.reveal_text()).text
    found = re.search(known.public_format, letters_of(text))  # `• AC…`, or with a hidden character
    return found is not None and len(text) - len(found[0]) < MIN_SECRET_LENGTH


def reject_exposed_secrets(
    providers: Providers,
) -> Callable[[Values], Iterable[FieldFinding]]:
    """Return the check of a body that finds private keys and its own secrets in public texts.

    What is certainly a key of one of *providers* is a warning.
    """
    provider_keys = marked_keys(providers, with_ids=True)

    def check(values: Values) -> Iterable[FieldFinding]:
        texts = dict(public_texts(values))
        private = {n for n, text in texts.items() if has_private_key(n, text, provider_keys)}
        secrets: dict[SecretField, Secret] = {
            field: values[field] for field in SECRET_FIELDS if isinstance(values.get(field), Secret)
        }
        hidden = hidden_secrets(secrets, providers.get(values.get("type", "")))
        for name in texts:
            if name in private:
                yield name, NO_PUBLIC_KEY if name == "vapidPublicKey" else LOOKS_LIKE_SECRET
        if found := {*find_disclosures(texts, hidden.values())} - private:
            yield from find_to_blame(found, texts, hidden)

    return check


def find_to_blame(
    found: set[str], texts: Mapping[str, str], secrets: Mapping[SecretField, Secret]
) -> Iterator[FieldFinding]:
    """Find the wrong ones of *secrets* and the *found* texts, which contain one of them."""
    repeating = {
        n: f for n, secret in secrets.items() if (f := repeated_field(secret, texts)) in found
    }
    yield from ((name, repeats_field(field)) for name, field in repeating.items())
    others = [secret for name, secret in secrets.items() if name not in repeating]
    shown = {*find_disclosures(texts, others)}
    yield from ((name, REPEATS_SECRET) for name in texts if name in found & shown)


def repeated_field(secret: Secret, texts: Mapping[str, str]) -> str | None:
    """Return the field that *secret* repeats and that holds no key by its form; None if none."""
    given = unwrap(secret.reveal_text()).text
    points = {*pasted_points(given[:MAX_NAMED_TEXT])}
    same = (n for n, text in texts.items() if text == given or points & {*pasted_points(text)})
    return next((name for name in same if is_no_key(name, texts[name])), None)


def is_no_key(name: str, text: str) -> bool:
    """Return whether the *text* of the field *name* is an address, a number or a public key."""
    if name == "vapidPublicKey":
        return any(pasted_points(text))
    return name == "senderEmail" or (name == "senderPhone" and "+" in text)


def repeats_field(name: str) -> FieldProblem:
    """Return the problem of a secret that is the value of the public field *name*."""
    message = "This is the value of {field}, which everybody sees; give the key itself"
    return FieldProblem("LOOKS_LIKE_SECRET", message, {"field": name})


def reject_provider_keys(providers: Providers) -> Callable[[Values], Iterable[FieldFinding]]:
    """Return the check of a body that finds what is certainly a key of one of *providers*."""
    keys = marked_keys(providers)

    def check(values: Values) -> Iterable[FieldFinding]:
        yield from ((n, IS_PROVIDER_KEY) for n, text in public_texts(values) if keys.search(text))

    return check


def has_private_key(name: str, text: str, provider_keys: re.Pattern[str]) -> bool:
    """Return whether the *text* of the field *name* contains a private key."""
    if name == "senderEmail":
        text = f"mailto:{text}"
    return contains_private_key(text, known=provider_keys, is_key=name == "vapidPublicKey")


def find_disclosed(texts: Mapping[str, str], secrets: Iterable[Secret]) -> Iterator[FieldFinding]:
    """Find the *texts* that contain one of the stored *secrets*."""
    yield from ((name, REPEATS_SECRET) for name in find_disclosures(texts, secrets))


def find_published(
    secrets: Mapping[SecretField, Secret], texts: Mapping[str, str]
) -> Iterator[FieldFinding]:
    """Find the new *secrets* that one of the public *texts* contains already."""
    for field, secret in secrets.items():
        if any(find_disclosures(texts, [secret])):
            name = repeated_field(secret, texts)
            yield field, repeats_field(name) if name else ALREADY_PUBLIC


def find_provider_keys(
    body: Struct, provider: Provider, key_finder: KeyFinder
) -> Iterator[FieldFinding]:
    """Find what looks like a whole key in the public texts of *body*, of *provider* or another.

    A value that is of the format of its field at *provider*, such as an account's id, is none; a
    longer one of such a format, such as an address, may hold a key.
    """
    texts = texts_in(body)
    if not key_finder.find("\0".join(texts.values()), provider):
        return  # one search costs less than one a text
    for name, text in texts.items():
        found = key_finder.find(text, provider)
        if found and not (found == text and has_own_format(name, text, provider)):
            yield name, LOOKS_LIKE_PROVIDER_KEY


def has_own_format(name: str, text: str, provider: Provider) -> bool:
    """Return whether *text* has the format that *provider* gives the public field *name*."""
    known: Mapping[str, Any] = {
        **provider.fields,
        **{f"settings.{n}": setting for n, setting in provider.settings.items()},
    }
    format_ = getattr(known.get(name), "format", None)
    if format_ is None or takes_words(format_):
        return False  # any word would be of that format
    return re.fullmatch(format_, text) is not None
