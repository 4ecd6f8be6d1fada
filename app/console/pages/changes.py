"""What an entry of the history says in words: what was done, and each field before and after."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from app.console.api_client import ApiError
from app.console.pages.integrations import CHANNELS, load_types
from app.console.pages.subject import NOT_FOUND, load_subject
from app.console.resources import Change, HistoryEntry, Integration, IntegrationType
from app.console.texts import FIELDS, SETTING, Texts
from app.console.visit import PageRequest, Visit

ACTIONS = {
    "INTEGRATION_ADDED": "Added",
    "INTEGRATION_REMOVED": "Deleted",
    "INTEGRATION_ENABLED": "Switched on",
    "INTEGRATION_DISABLED": "Switched off",
    "INTEGRATION_UPDATED": "Changed",
    "CREDENTIALS_ROTATED": "Keys replaced",
    "CREDENTIALS_CHECKED": "Checked",
    "DEFAULT_CHOSEN": "Default chosen",
    "DEFAULT_CLEARED": "Default cleared",
}
OF_CHANNELS = frozenset({"DEFAULT_CHOSEN", "DEFAULT_CLEARED"})  # in no history of a connection
DESTROYED = "Keys destroyed"  # the same action, without a new key
NOTHING = "—"


class Row(Struct, frozen=True):
    """A field before and after; `code` if it is to be read letter by letter."""

    field: str
    before: str
    after: str
    code: bool = False


class Words(Struct, frozen=True):
    """What turns an entry into words: the language, providers, and names of connections.

    `kinds` are the types of connections by their ids, as far as they are known.
    """

    texts: Texts
    types: Mapping[str, IntegrationType]
    names: Mapping[str, str]
    kinds: Mapping[str, str] = {}

    def action(self, entry: HistoryEntry) -> str:
        """Return what was done."""
        known = DESTROYED if entry.details.destroyed else ACTIONS.get(entry.action)
        return self.texts.text(known) if known else entry.action

    def name(self, entry: HistoryEntry) -> str:
        """Return what it was done to."""
        if entry.resource_type == "channelDefault":
            return self.value("channel", entry.resource_name)
        return entry.resource_name

    def rows(self, entry: HistoryEntry) -> list[Row]:
        """Return the fields that the entry changed; secrets as versions alone."""
        type_ = self.kinds.get(entry.resource_id, "")
        return [*self._public(entry.details.changes, type_), *self._secrets(entry, type_)]

    def field(self, name: str, type_: str) -> str:
        """Return the name of a field as forms of the provider *type_* have it, or as people say."""
        if type_ in self.types and name in self.types[type_].labels:
            return self.types[type_].labels[name]
        known = FIELDS.get(name)
        return self.texts.text(known) if known else self._setting(name)

    def value(self, name: str, value: object) -> str:
        """Return the *value* of the field *name*, as people say it."""
        text = str(value)
        if value is None:
            return NOTHING
        if isinstance(value, bool):
            return self.texts.text("On" if value else "Off")
        if name == "channel" and text in CHANNELS:
            return self.texts.text(CHANNELS[text])
        if name == "type" and text in self.types:
            return self.types[text].display_name
        return self.names.get(text, text) if name == "integrationId" else text

    def _public(self, changes: Mapping[str, Change], type_: str) -> Iterator[Row]:
        for name, change in changes.items():
            if name == "settings":
                yield from self._settings(change)
                continue
            before, after = self.value(name, change.before), self.value(name, change.after)
            yield Row(self.field(name, type_), before, after, name == "vapidPublicKey")

    def _settings(self, change: Change) -> Iterator[Row]:
        before: Mapping[str, str] = change.before or {}
        after: Mapping[str, str] = change.after or {}
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                row = self.value(name, before.get(name)), self.value(name, after.get(name))
                yield Row(self._setting(name), *row)

    def _secrets(self, entry: HistoryEntry, type_: str) -> Iterator[Row]:
        for secret in entry.details.credentials:
            before = self._version(secret.version - 1) if secret.version > 1 else NOTHING
            yield Row(self.field(secret.field, type_), before, self._version(secret.version))
        for secret in entry.details.destroyed:
            yield Row(self.field(secret.field, type_), self._version(secret.version), NOTHING)

    def _version(self, number: int) -> str:
        return self.texts.text("version {number}", number=number)

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of settings, which have one name at all providers."""
        return {
            name: label
            for type_ in self.types.values()
            for name, label in type_.labels.items()
            if name.startswith(SETTING)
        }

    def _setting(self, name: str) -> str:
        return self.labels.get(f"{SETTING}{name}", name)


async def load_words(request: PageRequest, entries: Sequence[HistoryEntry]) -> Words:
    """Return what says *entries* in words."""
    chosen = {
        str(value)
        for entry in entries
        if (change := entry.details.changes.get("integrationId"))
        for value in (change.before, change.after)
        if value is not None
    }
    names = await load_names(request, sorted(chosen))
    kinds = await load_kinds(request.user, entries)
    return Words(request.auth, await load_types(request), names, kinds)


async def load_kinds(visit: Visit, entries: Sequence[HistoryEntry]) -> Mapping[str, str]:
    """Return the type of each connection of *entries*, unless it is deleted and none says it.

    An entry that adds or deletes it says so; others are looked up by one request.
    """
    known = {
        entry.resource_id: str(change.after or change.before)
        for entry in entries
        if (change := entry.details.changes.get("type"))
    }
    others = {entry.resource_id for entry in entries if entry.resource_type == "integration"}
    others -= known.keys()
    if not others:
        return known
    try:
        if len(others) == 1:
            [found] = others
            one = (await visit.api.get(Integration, f"integration/{found}")).data
            return known | {one.id: one.type}
        listed = await visit.api.get(list[Integration], "integration", {"limit": "200"})
    except ApiError as error:
        if error.status == NOT_FOUND:
            return known
        raise
    return {each.id: each.type for each in listed.data} | known


async def load_names(request: PageRequest, integrations: Sequence[str]) -> Mapping[str, str]:
    """Return the names of *integrations*; of deleted ones the last if the history may be seen.

    Several are looked up in a page of the list first, which is one request.
    """
    listed: dict[str, str] = {}
    if len(integrations) > 1:
        found = await request.user.api.get(list[Integration], "integration", {"limit": "200"})
        listed = {each.id: each.name for each in found.data}
    others = [each for each in integrations if each not in listed]

    async def load_name(integration: str) -> str | None:
        try:
            return (await load_subject(request, integration)).name
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    names = await asyncio.gather(*map(load_name, others))
    return listed | {each: name for each, name in zip(others, names, strict=True) if name}
