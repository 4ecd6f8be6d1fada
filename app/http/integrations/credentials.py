"""What is known of stored secrets, never what they are (docs/api.md#stored-credentials)."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.json import encode

from app.http.responses import RenderedResponse
from app.http.timestamps import Time, format_timestamp
from app.http.types import Actor, ApiRequest
from app.locales.catalogues import Language
from domain.integration import SECRET_FIELDS, Outcome, SecretField
from domain.provider import Provider
from projections.credentials import CredentialsStatus, NewestCheck, StoredSecret


class CredentialObject(Struct, rename="camel"):
    """A secret field: whether a secret is stored, its version, and when and by whom it was set."""

    field: SecretField
    is_set: bool
    version: int | None
    set_at: Time | None
    set_by: Actor | None


class NewestCheckObject(Struct, rename="camel"):
    """What the newest check of the credentials found."""

    outcome: Outcome
    detail: str
    region: str | None
    checked_at: Time


class CredentialsObject(Struct):
    """The secret fields of an integration, and the newest check, null if there is none."""

    credentials: list[CredentialObject]
    check: NewestCheckObject | None


class CredentialsResult(Struct):
    """What is known of the secrets of an integration."""

    data: CredentialsObject
    message: str
    status: int


class CredentialsResponse(Struct):
    """The response with what is known of the secrets of an integration."""

    result: CredentialsResult


def secret_fields(
    provider: Provider | None, stored: Mapping[SecretField, StoredSecret]
) -> list[SecretField]:
    """Return the secret fields that *provider* uses, and those that are *stored* nevertheless."""
    used = provider.fields if provider else ()
    return [field for field in SECRET_FIELDS if field in used or field in stored]


def render_credentials(
    request: ApiRequest, status: CredentialsStatus, provider: Provider | None
) -> RenderedResponse:
    """Return the response with *status* of an integration of *provider*, None if it is unknown.

    It has no entity tag: that of the integration is what a change of its credentials takes as
    If-Match, and does not change with the newest check.
    """
    fields = secret_fields(provider, status.secrets)
    data = CredentialsObject(
        credentials=[credential_object(field, status.secrets.get(field)) for field in fields],
        check=status.check and newest_check_object(status.check, request.auth),
    )
    message = request.auth.text("Credentials fetched successfully")
    body = encode(CredentialsResponse(CredentialsResult(data=data, message=message, status=200)))
    return RenderedResponse(200, body, {"Content-Language": request.auth.tag})


def credential_object(field: SecretField, stored: StoredSecret | None) -> CredentialObject:
    """Return the secret *field* as the HTTP API shows it."""
    if stored is None:
        return CredentialObject(field=field, is_set=False, version=None, set_at=None, set_by=None)
    actor = stored.set_by
    return CredentialObject(
        field=field,
        is_set=True,
        version=stored.version,
        set_at=format_timestamp(stored.set_at),
        set_by=Actor(actor.sub, actor.name, actor.email),
    )


def newest_check_object(check: NewestCheck, language: Language) -> NewestCheckObject:
    """Return *check* as the HTTP API shows it: the stored English detail, translated if it can."""
    return NewestCheckObject(
        outcome=check.found.outcome,
        detail=language.filled_text(check.found.detail),
        region=check.found.region,
        checked_at=format_timestamp(check.checked_at),
    )
