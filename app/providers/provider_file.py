"""The shape of a provider file: a provider type, its check, and what responses mean.

How to write one: docs/providers.md.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from domain.integration import Outcome
from domain.provider import Provider, ProviderFieldName

Url = Annotated[str, Meta(pattern=r"^https://[a-z0-9.-]+(/[A-Za-z0-9._/-]*[A-Za-z0-9._-])?$")]
Page = Annotated[str, Meta(pattern=r"^https://[!-~]+$")]
Path = Annotated[str, Meta(pattern=r"^/")]
Status = Annotated[int, Meta(ge=200, le=599)]
JsonType = Literal["array", "number", "string", "object"]
PLACEHOLDER = re.compile(r"\{([A-Za-z]+)\}")  # a name in a path
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]+$")]
ValueName = str
"""A field, a setting, or what a service account is exchanged for; the registry knows which."""


class FileSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of a provider file: unknown entries are errors, as they are mistakes in writing."""


class Region(FileSection, frozen=True, kw_only=True):
    """Address of a provider: `url` is https, without user, port, query or final slash."""

    name: str
    url: Url


class Bearer(FileSection, frozen=True, kw_only=True, tag="bearer", tag_field="kind"):
    """`Authorization: Bearer` and the value (RFC 6750)."""

    field: ValueName


class Header(FileSection, frozen=True, kw_only=True, tag="header", tag_field="kind"):
    """The value alone, in a header of the provider's."""

    name: HeaderName
    field: ValueName


class Basic(FileSection, frozen=True, kw_only=True, tag="basic", tag_field="kind"):
    """`Authorization: Basic` (RFC 7617)."""

    user: ValueName
    password: ValueName


class Condition(FileSection, frozen=True, kw_only=True):
    """A condition on a JSON response; all given parts must hold of one value.

    `at` leads to the value by names of fields, with dots between them; `*` is each item of a
    list, and "" the whole response. `one_of` are whole texts; `mentions` are phrases, one of which
    stands in a text of the value or within it. Case does not matter for both, nor a full stop
    behind a whole text. They are no regular expressions: what a provider sends has any length.
    """

    at: str = ""
    type: JsonType | None = None
    equals: str | int | None = None
    contains: str | None = None
    one_of: Sequence[str] = ()
    mentions: Sequence[str] = ()
    at_most: float | None = None


class Rule(FileSection, frozen=True, kw_only=True):
    """What a response means that has `status`, is JSON, and meets all conditions of `where`.

    `invalid` is only for what the provider documents as a bad credential. `detail` is English,
    for people; None for the outcome's usual words.
    """

    status: Status | Sequence[Status]
    where: Sequence[Condition] = ()
    outcome: Outcome
    detail: str | None = None

    @property
    def statuses(self) -> Sequence[int]:
        """The statuses of which this rule speaks."""
        return (self.status,) if isinstance(self.status, int) else self.status


class OfflineRule(FileSection, frozen=True, kw_only=True):
    """What is known without a request: of a value of the format `when`, or not of `unless`."""

    field: ProviderFieldName
    when: str | None = None
    unless: str | None = None
    outcome: Outcome
    detail: str


class ServiceAccount(FileSection, frozen=True, kw_only=True):
    """How the JSON of a service account, in `field`, becomes an access token (RFC 7523).

    `rules` say what the responses of the token endpoint mean; "ok" continues to the check itself.
    """

    field: ProviderFieldName
    url: Url
    path: Path
    scope: str
    rules: Sequence[Rule]


class ValueCondition(FileSection, frozen=True, kw_only=True):
    """Holds if the value of a field or a setting has the whole `format`, a regular expression."""

    field: ValueName
    format: str


class CheckVariant(FileSection, frozen=True, kw_only=True):
    """What a check asks of credentials of which `when` holds; its `rules` come first."""

    when: ValueCondition
    path: Path
    rules: Sequence[Rule] = ()


class HttpCheck(FileSection, frozen=True, kw_only=True, tag="http", tag_field="kind"):
    """A check by one request to each region until one knows the credentials.

    `{name}` in `path` stands for a field or a setting, `{projectId}` for that of the service
    account; `body` is sent as JSON, `headers` with the settings that they name, if there are
    any. The first of `rules` that matches a response counts; none: inconclusive. The first of
    `variants` that fits the credentials has a path of its own, and rules before the others.
    """

    method: Literal["GET", "POST"]
    path: Path
    auth: Bearer | Header | Basic
    headers: Mapping[HeaderName, str] = {}
    body: Mapping[str, object] | None = None
    rules: Sequence[Rule]
    offline: Sequence[OfflineRule] = ()
    variants: Sequence[CheckVariant] = ()
    service_account: ServiceAccount | None = None


class VapidPairRule(FileSection, frozen=True, kw_only=True, tag="vapid-pair", tag_field="kind"):
    """A check without a request: do the two VAPID keys belong together?"""


class ProviderFile(Provider, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider type with how its credentials are checked, None if they cannot be."""

    guide: Page | None = None
    regions: Sequence[Region] = ()
    check: HttpCheck | VapidPairRule | None = None
