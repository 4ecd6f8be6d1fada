"""The languages of responses, and their messages."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po
from msgspec import Struct

from app.locales.language_tag import fallbacks, is_well_formed

DEFAULT: Final = "en"
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class Language(Struct, frozen=True):
    """A language: its tag as in `Content-Language`, and its messages by their English text."""

    tag: str
    messages: Mapping[str, str]

    def text(self, message: str, /, **placeholders: str | int) -> str:
        """Return *message*, given in English, in this language; English if it is not translated.

        `{name}` in it becomes the placeholder of that name. There is one pass: braces
        in a placeholder's value stay as they are, and a name that is not given stays `{name}`.
        Pass only limits and enums, never values of a client.
        """
        translated = self.messages.get(message, message)
        if not placeholders:
            return translated
        return PLACEHOLDER.sub(
            lambda found: str(placeholders.get(found[1], found[0])),
            translated,
        )

    def filled_text(self, text: str) -> str:
        """Return *text*, English as `text` filled it, in this language; itself if it is unknown.

        Of several messages that it may be, the one with the most words of its own counts. What
        fills `{reason}` is such a text itself.
        """
        if text in self.messages:
            return self.messages[text]
        fitting = {m: found for m in self.messages if (found := fill_of(m, text)) is not None}
        message = max(fitting, key=lambda each: len(PLACEHOLDER.sub("", each)), default=text)
        filling = fitting.get(message, {})
        inner = {name: self.filled_text(filling[name]) for name in ("reason",) if name in filling}
        return self.text(message, **filling | inner)


def fill_of(message: str, text: str) -> dict[str, str] | None:
    """Return what fills the placeholders of *message* in *text*; None if *text* is another."""
    begin, *names_and_rests = PLACEHOLDER.split(message)
    if not names_and_rests or not (text.startswith(begin) and text.endswith(names_and_rests[-1])):
        return None
    pattern, known = re.escape(begin), set[str]()
    for name, rest in zip(names_and_rests[::2], names_and_rests[1::2], strict=True):
        pattern += f"(?P={name})" if name in known else f"(?P<{name}>.+)"
        pattern += re.escape(rest)
        known.add(name)
    found = re.fullmatch(pattern, text)
    return found and found.groupdict()


class Catalogues(Struct, frozen=True):
    """All supported languages, by tag in lower case; `en` is always among them."""

    languages: Mapping[str, Language]

    @property
    def english(self) -> Language:
        """The language of everything that is stored."""
        return self.languages[DEFAULT]

    def negotiate(self, tag: str) -> Language | None:
        """Return the language for *tag*, a BCP 47 tag in any case; None if *tag* is malformed.

        An unknown tag is shortened until it is known (RFC 4647 section 3.4, "lookup"), or else is
        English. Nothing is cached, so that no client can fill the memory: a known tag is one look
        into a dictionary, the others cost some microseconds.
        """
        if (language := self.languages.get(tag)) is not None:
            return language
        if not is_well_formed(tag):
            return None
        wanted = (self.languages.get(shorter) for shorter in fallbacks(tag.lower()))
        return next(filter(None, wanted), self.languages[DEFAULT])


def load_catalogues(folder: Path = Path(__file__).parent) -> Catalogues:
    """Read every `<tag>/LC_MESSAGES/*.po` in *folder*; a folder's name is its BCP 47 tag.

    `messages.po` is what the API says, `console.po` what only the pages of the console say.

    Raises `FileNotFoundError` if there is no English, and what `read_po_file` raises.
    """
    languages = {tag: read_language(folder, tag) for tag in tags_in(folder) | {DEFAULT}}
    return Catalogues({tag.lower(): language for tag, language in languages.items()})


def tags_in(folder: Path) -> set[str]:
    """Return the names of the folders in *folder* that hold a catalogue."""
    return {file.parts[-3] for file in folder.glob("*/LC_MESSAGES/*.po")}


def read_language(folder: Path, tag: str) -> Language:
    """Read the catalogues of *tag* in *folder*."""
    files = [*(folder / tag / "LC_MESSAGES").glob("*.po")]
    if not files:
        raise FileNotFoundError(folder / tag)
    return Language(tag, {key: text for file in files for key, text in read_po_file(file).items()})


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
