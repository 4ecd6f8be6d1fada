"""What forms about a connection share: their fields, what was typed, and what is wrong with it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from litestar import Response
from msgspec import Struct
from msgspec.structs import replace

from app.console.api_client import ApiError, Detail
from app.console.confirmations import QuestionError
from app.console.mistakes import LIKE_KEY, MISTAKES
from app.console.page import render_page
from app.console.problems import KEEP_PAGE, Problem, api_problem
from app.console.resources import IntegrationType, TypeField
from app.console.texts import SETTING, Texts
from app.console.visit import SECRET, PageRequest, public_values

WRONG_LENGTH, LIKE_SECRET = "WRONG_LENGTH", "LOOKS_LIKE_SECRET"
SETTING_MISSING = "SETTING_MISSING"
PUBLIC_KEY = "vapidPublicKey"  # is of a pair, which is replaced together
WRONG_INPUT = frozenset({400, 422})
# One of each kind of sender, as people may write it; a provider names the kinds that it takes.
SENDERS = {
    "e164": "+447700900000",
    "short-code": "12345",
    "alphanumeric": "Example",
    "whatsapp": "whatsapp:+447700900000",
}
Values = Mapping[str, str]
"""What a form holds, by the names of its inputs."""


class FormField(Struct, frozen=True, kw_only=True):
    """A field as a form shows it, `unsaved` if its value is a link's; a secret never has one.

    It `is_emptied` if a question about it took its value out: to type it again agrees to it.
    The API takes no form without what is `required`; what is `needed` may be added later.
    `key` and `prefix` say of a conditional one which other field it needs, and its beginning.
    """

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    example: str = ""
    secret: bool = False
    required: bool = False
    needed: bool = False
    conditional: bool = False
    key: str = ""
    prefix: str = ""
    choices: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    value: str = ""
    errors: tuple[str, ...] = ()
    unsaved: bool = False
    is_emptied: bool = False

    @property
    def is_key(self) -> bool:
        """Whether it is replaced on the page of keys."""
        return self.secret or self.name == PUBLIC_KEY

    @property
    def id(self) -> str:
        """The id of the input."""
        return self.name.replace(".", "-")

    @property
    def input(self) -> str:
        """The name of the input, which says whether its value may stand in an address."""
        return f"{SECRET}{self.name}" if self.secret else self.name


class Refusal(Struct, frozen=True):
    """What the API did not take: what was typed, and what the API says."""

    values: Values
    error: ApiError

    @property
    def is_wrong_input(self) -> bool:
        """Whether another input would be taken."""
        return self.error.status in WRONG_INPUT

    @property
    def details(self) -> tuple[Detail, ...]:
        """What is wrong with which field."""
        return self.error.result.details if self.is_wrong_input else ()


def name_field(request: PageRequest, example: str) -> FormField:
    """Return the field of the name, which every connection has."""
    return FormField(
        name="name",
        label=request.auth.text("Name"),
        help=request.auth.text("How people in this workspace tell it apart from others"),
        example=example,
        required=True,
    )


def provider_fields(type_: IntegrationType) -> list[FormField]:
    """Return the fields and settings that *type_* has in the catalogue of providers."""
    return [
        *(provider_field(each, each.name, type_) for each in type_.fields),
        *(provider_field(each, f"{SETTING}{each.name}", type_) for each in type_.settings),
    ]


def provider_field(field: TypeField, name: str, type_: IntegrationType) -> FormField:
    """Return the *field* of *type_*, for an input called *name*."""
    senders = type_.senders if field.kind == "sender" else ()
    when = field.required_when
    return FormField(
        name=name,
        label=field.label,
        kind=field.kind,
        help=field.help,
        example=field.example,
        secret=field.secret,
        needed=field.required,
        conditional=when is not None,
        key=type_.labels.get(when.field, when.field) if when else "",
        prefix=when.prefix if when else "",
        choices=field.choices,
        senders=tuple(SENDERS[kind] for kind in senders if kind in SENDERS),
    )


def fill(
    fields: Iterable[FormField],
    values: Values,
    details: Sequence[Detail] = (),
    *,
    keys_lost: bool = False,
) -> list[FormField]:
    """Return *fields* with the public *values*, and with what *details* say is wrong."""

    def fill_one(field: FormField) -> FormField:
        found = [each for each in details if each.field == field.name]
        emptying = MISTAKES if field.secret and keys_lost else (LIKE_KEY,)
        return replace(
            field,
            value="" if field.secret else values.get(field.input, ""),
            errors=tuple(each.message for each in found),
            is_emptied=any(each.code in emptying for each in found),
        )

    return [*map(fill_one, fields)]


def mark_unsaved(fields: Iterable[FormField], stored: Values) -> list[FormField]:
    """Return *fields*, those marked whose value comes from the address and is not *stored*."""
    return [
        replace(field, unsaved=not field.secret and field.value != stored.get(field.name, ""))
        for field in fields
    ]


def typed_values(fields: Iterable[FormField], refusal: Refusal) -> Values:
    """Return what may be shown again of what was typed: nothing that is or holds a secret."""
    exposed = {each.field for each in refusal.details if each.code in {LIKE_SECRET, LIKE_KEY}}
    hidden = {field.input for field in fields if field.name in exposed}
    shown = public_values(refusal.values)
    return {name: value for name, value in shown.items() if name not in hidden}


def given_values(fields: Iterable[FormField], values: Values) -> dict[str, Any]:
    """Return what the API is given of *values*: what is not empty, by the names of fields."""
    given: dict[str, Any] = {}
    for field in fields:
        if value := values.get(field.input, ""):
            if field.name.startswith(SETTING):
                given.setdefault("settings", {})[field.name.removeprefix(SETTING)] = value
            else:
                given[field.name] = value
    return given


def next_key(refusal: Refusal | None = None) -> str:
    """Return the idempotency key of a form: what passes is sent again with the same one."""
    is_repeated = refusal is not None and not refusal.is_wrong_input
    return refusal.values.get("_key", "") if refusal and is_repeated else str(uuid4())


def render_refusal(
    request: PageRequest,
    template: str,
    fields: Sequence[FormField],
    refusal: Refusal,
    **values: object,
) -> Response[str]:
    """Return the page of a form that was refused: what is wrong, and what was typed."""
    details = word_details(request, fields, refusal)
    # With JavaScript the keys that were typed stay in the browser, which puts them back.
    is_kept = request.headers.get("hx-request") == "true"
    keys_lost = has_lost_keys(refusal) and not is_kept
    filled = fill(fields, typed_values(fields, refusal), details, keys_lost=keys_lost)
    asks = isinstance(refusal.error, QuestionError) and not any(f.is_emptied for f in filled)
    problem = replace(refusal_problem(request, refusal, details), asks=asks)
    headers = KEEP_PAGE if problem.passes else {}
    shown = {"problem": problem, "fields": filled, "keys_lost": keys_lost, **values}
    return render_page(request, template, problem.status, headers, **shown)


def has_lost_keys(refusal: Refusal) -> bool:
    """Return whether keys were typed, which the form that is shown again does not hold."""
    typed = (value for name, value in refusal.values.items() if name.startswith(SECRET))
    return refusal.is_wrong_input and any(typed)


def word_details(
    request: PageRequest, fields: Sequence[FormField], refusal: Refusal
) -> tuple[Detail, ...]:
    """Return what is wrong with which of *fields*, in the words of the form."""
    inputs = {field.name: field.input for field in fields}

    def words(detail: Detail) -> Detail:
        message = message_of(request.auth, fields, detail)
        typed = refusal.values.get(inputs.get(detail.field or "", ""), "").strip()
        more = len(typed) - max(map(int, re.findall(r"\d+", detail.message)), default=len(typed))
        if detail.code == WRONG_LENGTH and more > 0:
            message = f"{message}. {request.auth.text('Too many: {count}', count=more)}"
        return replace(detail, message=message)

    return tuple(map(words, refusal.details))


def message_of(texts: Texts, fields: Sequence[FormField], detail: Detail) -> str:
    """Return what *detail* says of one of *fields*, by their labels."""
    field = next((each for each in fields if each.name == detail.field), None)
    if detail.code == SETTING_MISSING and field and field.prefix:
        return texts.text(
            "Needed if {field} begins with {prefix}", field=field.key, prefix=field.prefix
        )
    return texts.in_words(detail.message, {each.name: each.label for each in fields})


def refusal_problem(
    request: PageRequest, refusal: Refusal, details: tuple[Detail, ...] = ()
) -> Problem:
    """Return the summary of *refusal*, with *details* of its fields."""
    if not details:
        return api_problem(request, refusal.error)
    title = request.auth.text("Nothing is saved yet: look at these fields")
    return Problem(status=422, title=title, text=title, details=details)
