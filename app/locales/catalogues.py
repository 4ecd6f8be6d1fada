"""Which language answers a request, and its messages."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po
from msgspec import Struct

from app.locales.language_tag import fallbacks, is_well_formed

DEFAULT: Final = "en"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class Language(Struct, frozen=True):
    """One language: its tag as `Content-Language` writes it, its messages by their English text."""

    tag: str
    messages: Mapping[str, str]

    def text(self, message: str, /, **placeholders: str | int) -> str:
        """Return *message*, given in English, in this language; English if it is not translated.

        `{name}` in it becomes the placeholder of that name. One pass, no format language: a
        placeholder's own braces stay as they are, and a name that was not given stays `{name}`.
        Give only limits and enums here, never what a client submitted.
        """
        translated = self.messages.get(message, message)
        if not placeholders:
            return translated
        return _PLACEHOLDER.sub(
            lambda found: str(placeholders.get(found[1], found[0])),
            translated,
        )


class Catalogues(Struct, frozen=True):
    """All languages that we speak, by tag in lower case; `en` is always among them."""

    languages: Mapping[str, Language]

    @property
    def english(self) -> Language:
        """The language of all stored messages."""
        return self.languages[DEFAULT]

    def negotiate(self, tag: str) -> Language | None:
        """Return the language for *tag*, a BCP 47 tag in any case; None if *tag* is malformed.

        A tag that we lack is shortened until we have it (RFC 4647 section 3.4, "lookup"), and is
        English in the end. Nothing is remembered between calls, so no tag can fill the memory: ours
        are a dictionary's answer, the others cost some microseconds.
        """
        if (spoken := self.languages.get(tag)) is not None:
            return spoken
        if not is_well_formed(tag):
            return None
        wanted = (self.languages.get(shorter) for shorter in fallbacks(tag.lower()))
        return next(filter(None, wanted), self.languages[DEFAULT])


def load_catalogues(folder: Path = Path(__file__).parent) -> Catalogues:
    """Read every `<tag>/LC_MESSAGES/messages.po` in *folder*; a folder's name is its BCP 47 tag.

    Raises `FileNotFoundError` if there is no English, and what `read_messages` raises.
    """
    languages = {tag: read_language(folder, tag) for tag in tags_in(folder) | {DEFAULT}}
    return Catalogues({tag.lower(): language for tag, language in languages.items()})


def tags_in(folder: Path) -> set[str]:
    """Return the names of the folders in *folder* that hold a catalogue."""
    return {file.parts[-3] for file in folder.glob("*/LC_MESSAGES/messages.po")}


def read_language(folder: Path, tag: str) -> Language:
    """Read the catalogue of *tag* in *folder*."""
    return Language(tag, read_po_file(folder / tag / "LC_MESSAGES" / "messages.po"))


def read_po_file(path: Path) -> dict[str, str]:
    """Return the translations in the file at *path*, by msgid (the English text).

    Fuzzy and empty ones are left out, as msgfmt leaves them out. Raises
    `babel.messages.pofile.PoFileError` for a line that is not gettext's, `OSError` for no file.
    """
    with path.open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    return {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and message.id
        and message.string
        and not message.fuzzy
    }
